# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device is born with: texts as on real ones, with comments, both quotes and trailing commas."""

from __future__ import annotations

PRODUCT = "01K9F1EETDEV1CEPR0DVCT0001"

DEVICE = """\
// Who this device is. Its claim ID is given on the line, not here: id: 'NOT-THIS-ONE'
{
    /* the product, as the Builder shows it */
    product: '{product}',
    name: "Ray's pump",     // what people see in the app
    model: 'PUMP-20',
    description: 'Two pumps, one "float" switch // no comment',
}
"""

DEVICE_WITH_ID = """\
// Who this device is.
{
    id: '{claim_id}',
    product: '{product}',
    name: "Ray's pump",     // what people see in the app
    model: 'PUMP-20',
}
"""

IOTO = """\
{
    version: '1.0.0',
    profile: 'prod',            // 'dev' on the bench
    app: 'pump',
    /*
        Services are on or off; "serialize" says who makes the claim ID:
        serialize: 'auto' | 'factory' | 'none'
     */
    services: {
        database: true,
        mqtt: true,
        provision: true,
        register: true,
        serialize: '{serialize}',
        sync: true,
        update: false,
    },
    conditional: {
        profile: {
            dev: { log: { path: 'stdout', types: 'error,info' } },
            prod: { log: { path: 'ioto.log' }, optimize: "release" },
        },
    },
    limits: { reprovision: 5, _fiberStack: '64k' },
    mqtt: { authority: '@certs/aws.crt', schedule: '* * * * *' },
    tls: {
        authority: '@certs/roots.crt',
        certificate: '@certs/test.crt',
    },
}
"""

CONFIG = """\
{
    // Main configuration of the agents before 2.5
    profile: 'prod',
    log: { path: 'ioto.log', types: "error,info" },
    services: {
        cloud: {
            provision: true,
            serialize: '{serialize}',   // auto, factory or none
            register: true,
        },
        database: true,
        web: false,
    },
}
"""


def render(template: str, **values: str) -> str:
    """Return `template` with each `{name}` replaced; the braces of JSON5 stay."""
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template
