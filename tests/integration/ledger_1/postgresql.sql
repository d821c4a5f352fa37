--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: ioto_claims_fixed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_claims_fixed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a retired claim and a claim ID are never changed'; END $$;


--
-- Name: ioto_claims_kept(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_claims_kept() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a claim is never deleted'; END $$;


--
-- Name: ioto_events_fixed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_events_fixed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'an event is never changed'; END $$;


--
-- Name: ioto_events_kept(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_events_kept() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'an event is never deleted'; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ioto_claims; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_claims (
    seq bigint NOT NULL,
    claim_id text NOT NULL,
    product text NOT NULL,
    unit text,
    state text NOT NULL,
    source text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    host text,
    reason text,
    details text NOT NULL,
    CONSTRAINT ioto_claims_state CHECK ((state = ANY (ARRAY['allocated'::text, 'written'::text, 'verified'::text, 'labelled'::text, 'retired'::text])))
);


--
-- Name: ioto_claims_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ioto_claims_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ioto_claims_seq_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ioto_claims_seq_seq OWNED BY public.ioto_claims.seq;


--
-- Name: ioto_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_events (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    action text NOT NULL,
    claim_id text,
    product text,
    unit text,
    actor text NOT NULL,
    host text,
    detail text
);


--
-- Name: ioto_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ioto_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ioto_events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ioto_events_id_seq OWNED BY public.ioto_events.id;


--
-- Name: ioto_ledger; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_ledger (
    version integer NOT NULL
);


--
-- Name: ioto_claims seq; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_claims ALTER COLUMN seq SET DEFAULT nextval('public.ioto_claims_seq_seq'::regclass);


--
-- Name: ioto_events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_events ALTER COLUMN id SET DEFAULT nextval('public.ioto_events_id_seq'::regclass);


--
-- Data for Name: ioto_claims; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_claims VALUES (1, 'QDX742NBFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'allocated', 'given', '2026-11-27 14:28:55.953222+00', '2026-11-27 14:28:55.953222+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (2, '9N36G0KSSH', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-0', 'allocated', 'given', '2026-11-27 14:28:55.955768+00', '2026-11-27 14:28:55.955768+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:00", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (3, 'PV3XJNPRNF', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-1', 'allocated', 'given', '2026-11-27 14:28:55.956974+00', '2026-11-27 14:28:55.956974+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (4, '7Y1HPGQFZF', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-1', 'allocated', 'given', '2026-11-27 14:28:55.95952+00', '2026-11-27 14:28:55.95952+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:01", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (5, 'BHTFV8STE8', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'allocated', 'given', '2026-11-27 14:28:55.960561+00', '2026-11-27 14:28:55.960561+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (6, '6HDZ9VGRSB', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-2', 'allocated', 'given', '2026-11-27 14:28:55.963575+00', '2026-11-27 14:28:55.963575+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:02", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (7, '2ZK3MS53FA', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'allocated', 'given', '2026-11-27 14:28:55.964713+00', '2026-11-27 14:28:55.964713+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (8, 'TW078D3AZM', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-3', 'allocated', 'given', '2026-11-27 14:28:55.965445+00', '2026-11-27 14:28:55.965445+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:03", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (9, 'H9GC4A6418', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-4', 'allocated', 'given', '2026-11-27 14:28:55.966246+00', '2026-11-27 14:28:55.966246+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (10, 'M4J91MZ973', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-4', 'allocated', 'given', '2026-11-27 14:28:55.967707+00', '2026-11-27 14:28:55.967707+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:04", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (11, 'D1J062WX0Z', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-5', 'allocated', 'given', '2026-11-27 14:28:55.970466+00', '2026-11-27 14:28:55.970466+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (12, '7WMXCJVRHM', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-5', 'allocated', 'given', '2026-11-27 14:28:55.97162+00', '2026-11-27 14:28:55.97162+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:05", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (13, 'NJGYTB26BH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'allocated', 'given', '2026-11-27 14:28:55.972599+00', '2026-11-27 14:28:55.972599+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (14, 'RTR8DK2PHA', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-6', 'allocated', 'given', '2026-11-27 14:28:55.975748+00', '2026-11-27 14:28:55.975748+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:06", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (15, '05YPJY00Q1', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'allocated', 'given', '2026-11-27 14:28:55.976968+00', '2026-11-27 14:28:55.976968+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (16, 'ATAPA4XS0A', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-7', 'allocated', 'given', '2026-11-27 14:28:55.979936+00', '2026-11-27 14:28:55.979936+00', 'bench-1', NULL, '{"mac": "00:11:22:33:44:07", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO public.ioto_claims VALUES (17, 'DXSWXRK9A4ES9BNN', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-a', 'written', 'given', '2026-11-27 14:28:55.980721+00', '2026-11-27 14:28:55.981454+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (18, 'A7GPCRM3JY84S1TE', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-b', 'written', 'given', '2026-11-27 14:28:55.98248+00', '2026-11-27 14:28:55.983871+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (19, 'EJRXWVX530044ZPC', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-a', 'verified', 'given', '2026-11-27 14:28:55.98764+00', '2026-11-27 14:28:55.988424+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (20, 'R1AA1XAX76ZDA3JK', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-b', 'verified', 'given', '2026-11-27 14:28:55.989362+00', '2026-11-27 14:28:55.991753+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (21, '6ZP9YMY54K0QK6W3', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-a', 'labelled', 'given', '2026-11-27 14:28:55.992701+00', '2026-11-27 14:28:55.995438+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (22, 'A311P1TK71SAPXF1', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-b', 'labelled', 'given', '2026-11-27 14:28:55.996392+00', '2026-11-27 14:28:55.997084+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (23, 'G5N5YHXH68', '01G8YJKKRNTHW213TRZYX3YH0M', 'a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1', 'retired', 'given', '2026-11-27 14:28:55.998587+00', '2026-11-27 14:28:56.003609+00', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line', '{}');
INSERT INTO public.ioto_claims VALUES (24, 'ZPEN8D9JST', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'retired', 'given', '2026-11-27 14:28:56.004423+00', '2026-11-27 14:28:56.005099+00', 'bench-1', 'scrapped', '{}');
INSERT INTO public.ioto_claims VALUES (25, '80E12P4AQ3', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'retired', 'given', '2026-11-27 14:28:56.005804+00', '2026-11-27 14:28:56.007441+00', 'bench-1', 'wrong label', '{}');
INSERT INTO public.ioto_claims VALUES (26, 'VCZ9VW4XQV', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'allocated', 'generated', '2026-11-27 14:28:56.007441+00', '2026-11-27 14:28:56.007441+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (29, 'XC6840K462', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.0115+00', NULL, NULL, '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (30, 'WQ22AR1VBT', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.0115+00', NULL, NULL, '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (31, '819RCSRH2M', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.0115+00', NULL, NULL, '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (32, 'MCDEP96E0Y', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.0115+00', NULL, NULL, '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (33, 'TJEY5NEX58', '01G9BFEDZXJYWEJ56DPPQSXTWP', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.012357+00', '2026-11-27 14:28:56.012357+00', NULL, NULL, '{}');
INSERT INTO public.ioto_claims VALUES (34, 'K523RC7YV2', '01G9BFEDZXJYWEJ56DPPQSXTWP', NULL, 'allocated', 'reserved', '2026-11-27 14:28:56.012357+00', '2026-11-27 14:28:56.012357+00', NULL, NULL, '{}');
INSERT INTO public.ioto_claims VALUES (27, 'BMX37JQJRH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-bound', 'allocated', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.012926+00', 'bench-1', NULL, '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (28, '50YEHG7978', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'retired', 'reserved', '2026-11-27 14:28:56.0115+00', '2026-11-27 14:28:56.015054+00', NULL, 'label lost', '{"sheet": 7}');
INSERT INTO public.ioto_claims VALUES (35, '0Y91DY9E8G', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-moved-to', 'allocated', 'given', '2026-11-27 14:28:56.015873+00', '2026-11-27 14:28:56.016519+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (36, 'JT08FFQXWQ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-old', 'labelled', 'imported', '2026-11-27 14:28:56.004423+00', '2026-11-27 14:28:56.004423+00', NULL, NULL, '{}');
INSERT INTO public.ioto_claims VALUES (37, 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'allocated', 'given', '2026-11-27 14:28:56.020598+00', '2026-11-27 14:28:56.020598+00', 'bench-1', NULL, '{}');
INSERT INTO public.ioto_claims VALUES (38, 'RE0KV0X273', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-settled', 'allocated', 'given', '2026-11-27 14:28:56.050023+00', '2026-11-27 14:28:56.050023+00', 'bench-1', NULL, '{}');


--
-- Data for Name: ioto_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_events VALUES (1, '2026-11-27 14:28:55.953222+00', 'allocated', 'QDX742NBFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (2, '2026-11-27 14:28:55.955768+00', 'allocated', '9N36G0KSSH', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-0', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (3, '2026-11-27 14:28:55.956974+00', 'allocated', 'PV3XJNPRNF', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-1', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (4, '2026-11-27 14:28:55.95952+00', 'allocated', '7Y1HPGQFZF', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-1', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (5, '2026-11-27 14:28:55.960561+00', 'allocated', 'BHTFV8STE8', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (6, '2026-11-27 14:28:55.963575+00', 'allocated', '6HDZ9VGRSB', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-2', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (7, '2026-11-27 14:28:55.964713+00', 'allocated', '2ZK3MS53FA', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (8, '2026-11-27 14:28:55.965445+00', 'allocated', 'TW078D3AZM', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-3', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (9, '2026-11-27 14:28:55.966246+00', 'allocated', 'H9GC4A6418', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-4', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (10, '2026-11-27 14:28:55.967707+00', 'allocated', 'M4J91MZ973', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-4', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (11, '2026-11-27 14:28:55.970466+00', 'allocated', 'D1J062WX0Z', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-5', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (12, '2026-11-27 14:28:55.97162+00', 'allocated', '7WMXCJVRHM', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-5', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (13, '2026-11-27 14:28:55.972599+00', 'allocated', 'NJGYTB26BH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (14, '2026-11-27 14:28:55.975748+00', 'allocated', 'RTR8DK2PHA', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-6', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (15, '2026-11-27 14:28:55.976968+00', 'allocated', '05YPJY00Q1', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (16, '2026-11-27 14:28:55.979936+00', 'allocated', 'ATAPA4XS0A', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-7', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (17, '2026-11-27 14:28:55.980721+00', 'allocated', 'DXSWXRK9A4ES9BNN', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-a', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (18, '2026-11-27 14:28:55.981454+00', 'written', 'DXSWXRK9A4ES9BNN', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (19, '2026-11-27 14:28:55.98248+00', 'allocated', 'A7GPCRM3JY84S1TE', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-b', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (20, '2026-11-27 14:28:55.983871+00', 'written', 'A7GPCRM3JY84S1TE', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-0-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (21, '2026-11-27 14:28:55.98764+00', 'allocated', 'EJRXWVX530044ZPC', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-a', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (22, '2026-11-27 14:28:55.988424+00', 'written', 'EJRXWVX530044ZPC', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (23, '2026-11-27 14:28:55.988424+00', 'verified', 'EJRXWVX530044ZPC', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (24, '2026-11-27 14:28:55.989362+00', 'allocated', 'R1AA1XAX76ZDA3JK', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-b', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (25, '2026-11-27 14:28:55.991753+00', 'written', 'R1AA1XAX76ZDA3JK', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (26, '2026-11-27 14:28:55.991753+00', 'verified', 'R1AA1XAX76ZDA3JK', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-1-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (27, '2026-11-27 14:28:55.992701+00', 'allocated', '6ZP9YMY54K0QK6W3', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-a', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (28, '2026-11-27 14:28:55.995438+00', 'written', '6ZP9YMY54K0QK6W3', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (29, '2026-11-27 14:28:55.995438+00', 'verified', '6ZP9YMY54K0QK6W3', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (30, '2026-11-27 14:28:55.995438+00', 'labelled', '6ZP9YMY54K0QK6W3', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-a', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (31, '2026-11-27 14:28:55.996392+00', 'allocated', 'A311P1TK71SAPXF1', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-b', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (32, '2026-11-27 14:28:55.997084+00', 'written', 'A311P1TK71SAPXF1', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (33, '2026-11-27 14:28:55.997084+00', 'verified', 'A311P1TK71SAPXF1', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (34, '2026-11-27 14:28:55.997084+00', 'labelled', 'A311P1TK71SAPXF1', '01G8YJKKRNTHW213TRZYX3YH0M', 'state-2-b', 'bo@line-2', NULL, 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (35, '2026-11-27 14:28:55.998587+00', 'allocated', 'G5N5YHXH68', '01G8YJKKRNTHW213TRZYX3YH0M', 'a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (36, '2026-11-27 14:28:56.003609+00', 'retired', 'G5N5YHXH68', '01G8YJKKRNTHW213TRZYX3YH0M', 'a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (37, '2026-11-27 14:28:56.004423+00', 'allocated', 'ZPEN8D9JST', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (38, '2026-11-27 14:28:56.005099+00', 'retired', 'ZPEN8D9JST', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'ann@line-1', 'bench-1', 'scrapped');
INSERT INTO public.ioto_events VALUES (39, '2026-11-27 14:28:56.005804+00', 'allocated', '80E12P4AQ3', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (40, '2026-11-27 14:28:56.007441+00', 'retired', '80E12P4AQ3', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'ann@line-1', 'bench-1', 'wrong label');
INSERT INTO public.ioto_events VALUES (41, '2026-11-27 14:28:56.007441+00', 'allocated', 'VCZ9VW4XQV', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-scrapped', 'ann@line-1', 'bench-1', 'source generated');
INSERT INTO public.ioto_events VALUES (42, '2026-11-27 14:28:56.0115+00', 'reserved', 'BMX37JQJRH', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (43, '2026-11-27 14:28:56.0115+00', 'reserved', '50YEHG7978', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (44, '2026-11-27 14:28:56.0115+00', 'reserved', 'XC6840K462', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (45, '2026-11-27 14:28:56.0115+00', 'reserved', 'WQ22AR1VBT', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (46, '2026-11-27 14:28:56.0115+00', 'reserved', '819RCSRH2M', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (47, '2026-11-27 14:28:56.0115+00', 'reserved', 'MCDEP96E0Y', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (48, '2026-11-27 14:28:56.012357+00', 'reserved', 'TJEY5NEX58', '01G9BFEDZXJYWEJ56DPPQSXTWP', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (49, '2026-11-27 14:28:56.012357+00', 'reserved', 'K523RC7YV2', '01G9BFEDZXJYWEJ56DPPQSXTWP', NULL, 'ann@line-1', 'bench-1', NULL);
INSERT INTO public.ioto_events VALUES (50, '2026-11-27 14:28:56.012926+00', 'bound', 'BMX37JQJRH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-bound', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (51, '2026-11-27 14:28:56.015054+00', 'retired', '50YEHG7978', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench-1', 'label lost');
INSERT INTO public.ioto_events VALUES (52, '2026-11-27 14:28:56.015873+00', 'allocated', '0Y91DY9E8G', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-moved', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (53, '2026-11-27 14:28:56.016519+00', 'rebound', '0Y91DY9E8G', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-moved-to', 'ann@line-1', 'bench-1', 'from unit SN-moved: new case');
INSERT INTO public.ioto_events VALUES (54, '2026-11-27 14:28:56.019801+00', 'imported', 'JT08FFQXWQ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-old', 'ann@line-1', 'bench-1', 'state labelled');
INSERT INTO public.ioto_events VALUES (55, '2026-11-27 14:28:56.020598+00', 'allocated', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (56, '2026-11-27 14:28:56.021418+00', 'conflict', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-open', 'ann@line-1', 'bench-1', 'The claim ID ********98 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO public.ioto_events VALUES (57, '2026-11-27 14:28:56.035629+00', 'conflict', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-settled', 'ann@line-1', 'bench-1', 'The claim ID ********98 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO public.ioto_events VALUES (58, '2026-11-27 14:28:56.037616+00', 'conflict', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-resolved', 'ann@line-1', 'bench-1', 'The claim ID ********98 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO public.ioto_events VALUES (59, '2026-11-27 14:28:56.039318+00', 'conflict', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'ann@line-1', 'bench-1', 'The claim ID ********98 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO public.ioto_events VALUES (60, '2026-11-27 14:28:56.042063+00', 'conflict', '0123456789', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'ann@line-1', 'bench-1', 'The unit SN-0 already has the claim ID ********FC (allocated), not the ********89 that was given; use the one it has, or replace it with force.');
INSERT INTO public.ioto_events VALUES (61, '2026-11-27 14:28:56.048293+00', 'conflict', 'ZPEN8D9JST', '01G9BFEDZXJYWEJ56DPPQSXTWP', 'SN-open', 'ann@line-1', 'bench-1', 'The claim ID ********ST of unit SN-scrapped is retired (scrapped) and is never issued again; give another one.');
INSERT INTO public.ioto_events VALUES (62, '2026-11-27 14:28:56.050023+00', 'allocated', 'RE0KV0X273', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-settled', 'ann@line-1', 'bench-1', 'source given');
INSERT INTO public.ioto_events VALUES (63, '2026-11-27 14:28:56.050799+00', 'resolved', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-resolved', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (64, '2026-11-27 14:28:56.051196+00', 'conflict', NULL, NULL, NULL, 'service', NULL, 'about nothing that is known');
INSERT INTO public.ioto_events VALUES (65, '2026-11-27 14:28:56.052534+00', 'host key', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (66, '2026-11-27 14:28:56.058408+00', 'host key', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (67, '2026-11-27 14:28:56.058957+00', 'checked', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (68, '2026-11-27 14:28:56.059369+00', 'checked', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (69, '2026-11-27 14:28:56.059727+00', 'mismatch', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (70, '2026-11-27 14:28:56.060071+00', 'mismatch', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (71, '2026-11-27 14:28:56.060467+00', 'preprinted', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (72, '2026-11-27 14:28:56.06083+00', 'preprinted', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (73, '2026-11-27 14:28:56.06125+00', 'print-started', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (74, '2026-11-27 14:28:56.061637+00', 'print-started', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (75, '2026-11-27 14:28:56.062011+00', 'print-failed', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (76, '2026-11-27 14:28:56.062381+00', 'print-failed', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (77, '2026-11-27 14:28:56.063747+00', 'print-unsure', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (78, '2026-11-27 14:28:56.064135+00', 'print-unsure', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (79, '2026-11-27 14:28:56.06446+00', 'reprint', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (80, '2026-11-27 14:28:56.067426+00', 'reprint', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (81, '2026-11-27 14:28:56.067891+00', 'not-labelled', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (82, '2026-11-27 14:28:56.068289+00', 'not-labelled', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (83, '2026-11-27 14:28:56.068658+00', 'failed', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (84, '2026-11-27 14:28:56.068985+00', 'failed', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (85, '2026-11-27 14:28:56.069291+00', 'unreachable', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (86, '2026-11-27 14:28:56.069603+00', 'unreachable', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (87, '2026-11-27 14:28:56.069962+00', 'a kind of long ago', 'N32R0YPP98', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-holder', 'ann@line-1', 'bench-1', 'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO public.ioto_events VALUES (88, '2026-11-27 14:28:56.070371+00', 'a kind of long ago', NULL, NULL, NULL, 'service', NULL, NULL);
INSERT INTO public.ioto_events VALUES (89, '2026-11-27 14:28:56.070729+00', 'run', NULL, NULL, NULL, 'ann@line-1', NULL, '{"started": "2026-11-23T08:00:03+00:00", "devices": 5, "done": 3}');
INSERT INTO public.ioto_events VALUES (90, '2026-11-27 14:28:56.071101+00', 'run', NULL, NULL, NULL, 'ann@line-1', NULL, '{"started": "2026-11-23T08:00:05+00:00", "devices": 5, "done": 5}');


--
-- Data for Name: ioto_ledger; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_ledger VALUES (1);


--
-- Name: ioto_claims_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ioto_claims_seq_seq', 38, true);


--
-- Name: ioto_events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ioto_events_id_seq', 90, true);


--
-- Name: ioto_claims ioto_claims_claim_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_claims
    ADD CONSTRAINT ioto_claims_claim_id_key UNIQUE (claim_id);


--
-- Name: ioto_claims ioto_claims_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_claims
    ADD CONSTRAINT ioto_claims_pkey PRIMARY KEY (seq);


--
-- Name: ioto_events ioto_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_events
    ADD CONSTRAINT ioto_events_pkey PRIMARY KEY (id);


--
-- Name: ioto_ledger ioto_ledger_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_ledger
    ADD CONSTRAINT ioto_ledger_pkey PRIMARY KEY (version);


--
-- Name: ioto_claims_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ioto_claims_live ON public.ioto_claims USING btree (unit, product) WHERE (state <> 'retired'::text);


--
-- Name: ioto_events_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_at ON public.ioto_events USING btree (at);


--
-- Name: ioto_events_claim; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_claim ON public.ioto_events USING btree (claim_id) WHERE (action <> 'allocated'::text);


--
-- Name: ioto_events_conflict; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_conflict ON public.ioto_events USING btree (id) WHERE (action = 'conflict'::text);


--
-- Name: ioto_events_unit; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_unit ON public.ioto_events USING btree (unit);


--
-- Name: ioto_claims ioto_claims_fixed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_claims_fixed BEFORE UPDATE ON public.ioto_claims FOR EACH ROW WHEN (((old.state = 'retired'::text) OR (old.claim_id <> new.claim_id))) EXECUTE FUNCTION public.ioto_claims_fixed();


--
-- Name: ioto_claims ioto_claims_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_claims_kept BEFORE DELETE ON public.ioto_claims FOR EACH ROW EXECUTE FUNCTION public.ioto_claims_kept();


--
-- Name: ioto_claims ioto_claims_kept_whole; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_claims_kept_whole BEFORE TRUNCATE ON public.ioto_claims FOR EACH STATEMENT EXECUTE FUNCTION public.ioto_claims_kept();


--
-- Name: ioto_events ioto_events_fixed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_events_fixed BEFORE UPDATE ON public.ioto_events FOR EACH ROW EXECUTE FUNCTION public.ioto_events_fixed();


--
-- Name: ioto_events ioto_events_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_events_kept BEFORE DELETE ON public.ioto_events FOR EACH ROW EXECUTE FUNCTION public.ioto_events_kept();


--
-- Name: ioto_events ioto_events_kept_whole; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_events_kept_whole BEFORE TRUNCATE ON public.ioto_events FOR EACH STATEMENT EXECUTE FUNCTION public.ioto_events_kept();


--
-- PostgreSQL database dump complete
--


