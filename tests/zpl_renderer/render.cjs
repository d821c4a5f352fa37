// Draws the ZPL on standard input: node render.cjs WIDTH_MM HEIGHT_MM DOTS_PER_MM > label.png
const { ready } = require("zpl-renderer-js");
const fs = require("node:fs");

ready.then(async ({ api }) => {
  const [width, height, dots] = process.argv.slice(2).map(Number);
  const image = await api.zplToBase64Async(fs.readFileSync(0, "utf8"), width, height, dots);
  fs.writeSync(1, Buffer.from(image, "base64"));
  process.exit(0);
});
