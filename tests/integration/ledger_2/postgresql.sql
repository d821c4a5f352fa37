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


--
-- Name: ioto_seals_fixed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_seals_fixed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a seal is never changed'; END $$;


--
-- Name: ioto_seals_kept(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ioto_seals_kept() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a seal is never deleted'; END $$;


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
-- Name: ioto_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_counts (
    product text NOT NULL,
    state text NOT NULL,
    reserved integer NOT NULL,
    slot integer NOT NULL,
    number bigint NOT NULL
);


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
    detail text,
    run text,
    operator text,
    reason text,
    key text NOT NULL
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
    version integer NOT NULL,
    identity text NOT NULL
);


--
-- Name: ioto_open_conflicts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_open_conflicts (
    event bigint NOT NULL,
    claim_id text,
    product text,
    unit text
);


--
-- Name: ioto_seals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ioto_seals (
    seq bigint NOT NULL,
    first_event bigint NOT NULL,
    last_event bigint NOT NULL,
    events integer NOT NULL,
    at timestamp with time zone NOT NULL,
    hash text NOT NULL
);


--
-- Name: ioto_seals_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ioto_seals_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ioto_seals_seq_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ioto_seals_seq_seq OWNED BY public.ioto_seals.seq;


--
-- Name: ioto_claims seq; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_claims ALTER COLUMN seq SET DEFAULT nextval('public.ioto_claims_seq_seq'::regclass);


--
-- Name: ioto_events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_events ALTER COLUMN id SET DEFAULT nextval('public.ioto_events_id_seq'::regclass);


--
-- Name: ioto_seals seq; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_seals ALTER COLUMN seq SET DEFAULT nextval('public.ioto_seals_seq_seq'::regclass);


--
-- Data for Name: ioto_claims; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_claims VALUES (1, '378922EFRA', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'allocated', 'given', '2026-11-27 19:18:28.184749+00', '2026-11-27 19:18:28.184749+00', 'SN-0', NULL, '{"mac": "SN-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (2, 'EJ82Y0E4QJ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-1', 'written', 'given', '2026-11-27 19:18:28.268792+00', '2026-11-27 19:18:28.292694+00', 'SN-1', NULL, '{"mac": "SN-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (3, 'KMBG56EX78', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'verified', 'given', '2026-11-27 19:18:28.344564+00', '2026-11-27 19:18:28.38139+00', 'SN-2', NULL, '{"mac": "SN-2", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (4, 'RTEN1R1PB2', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'labelled', 'given', '2026-11-27 19:18:28.383329+00', '2026-11-27 19:18:28.406854+00', 'SN-3', NULL, '{"mac": "SN-3", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO public.ioto_claims VALUES (5, 'W2Q0YFPCBD', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-4', 'allocated', 'given', '2026-11-27 19:18:28.438112+00', '2026-11-27 19:18:28.438112+00', 'SN-4', NULL, '{"mac": "SN-4", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (6, 'FHZHZ6NQ36', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-5', 'written', 'given', '2026-11-27 19:18:28.461561+00', '2026-11-27 19:18:28.493875+00', 'SN-5', NULL, '{"mac": "SN-5", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (7, 'SG9V65CFFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'verified', 'given', '2026-11-27 19:18:28.517134+00', '2026-11-27 19:18:28.521503+00', 'SN-6', NULL, '{"mac": "SN-6", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (8, 'FNCBHCQF40', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'labelled', 'given', '2026-11-27 19:18:28.546011+00', '2026-11-27 19:18:28.582092+00', 'SN-7', NULL, '{"mac": "SN-7", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO public.ioto_claims VALUES (9, 'Q6WRN5VYJZ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-8', 'allocated', 'given', '2026-11-27 19:18:28.59306+00', '2026-11-27 19:18:28.59306+00', 'SN-8', NULL, '{"mac": "SN-8", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (10, 'YQ7E1TVBJF', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-9', 'written', 'given', '2026-11-27 19:18:28.617434+00', '2026-11-27 19:18:28.641748+00', 'SN-9', NULL, '{"mac": "SN-9", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (11, '4HM4735BJH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-10', 'verified', 'given', '2026-11-27 19:18:28.653941+00', '2026-11-27 19:18:28.664674+00', 'SN-10', NULL, '{"mac": "SN-10", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO public.ioto_claims VALUES (12, 'YH8N1DSJZ4', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-11', 'labelled', 'given', '2026-11-27 19:18:28.688721+00', '2026-11-27 19:18:28.693448+00', 'SN-11', NULL, '{"mac": "SN-11", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO public.ioto_claims VALUES (13, 'S8TN95TRW8', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-0', 'allocated', 'given', '2026-11-27 19:18:28.712686+00', '2026-11-27 19:18:28.714012+00', 'twins-0', NULL, '{"mac": "twins-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-0"}');
INSERT INTO public.ioto_claims VALUES (14, '32S64920QV', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-1', 'allocated', 'given', '2026-11-27 19:18:28.780423+00', '2026-11-27 19:18:28.95746+00', 'twins-1', NULL, '{"mac": "twins-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": null}');
INSERT INTO public.ioto_claims VALUES (16, '0PVWWSZ1V7', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-0', 'verified', 'given', '2026-11-27 19:18:28.962741+00', '2026-11-27 19:18:28.99324+00', 'unsettled-0', NULL, '{"mac": "unsettled-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": true}');
INSERT INTO public.ioto_claims VALUES (17, 'YQ563WHJ6G', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-1', 'verified', 'given', '2026-11-27 19:18:29.00929+00', '2026-11-27 19:18:29.288911+00', 'unsettled-1', NULL, '{"mac": "unsettled-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": false}');
INSERT INTO public.ioto_claims VALUES (19, '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled', 'verified', 'given', '2026-11-27 19:18:29.164755+00', '2026-11-27 19:18:29.249603+00', 'twins-unsettled', NULL, '{"mac": "twins-unsettled", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-unsettled", "unsettled": true}');
INSERT INTO public.ioto_claims VALUES (15, 'M6NHRM951T', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-of-old', 'retired', 'given', '2026-11-27 19:18:28.872648+00', '2026-11-27 19:18:29.317154+00', 'twins-of-old', 'scrapped', '{"mac": "twins-of-old", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-of-old"}');
INSERT INTO public.ioto_claims VALUES (18, '147YB59DK0', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-of-old', 'retired', 'given', '2026-11-27 19:18:29.092842+00', '2026-11-27 19:18:29.359548+00', 'unsettled-of-old', 'scrapped', '{"mac": "unsettled-of-old", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": true}');
INSERT INTO public.ioto_claims VALUES (20, '9H0CMH9A3E', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 19:18:29.381109+00', '2026-11-27 19:18:29.381109+00', NULL, NULL, '{"roll": "7"}');
INSERT INTO public.ioto_claims VALUES (21, 'F1B0TRWA6Q', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 19:18:29.381109+00', '2026-11-27 19:18:29.381109+00', NULL, NULL, '{"roll": "7"}');
INSERT INTO public.ioto_claims VALUES (22, '3G7MZBMQSC', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'allocated', 'reserved', '2026-11-27 19:18:29.381109+00', '2026-11-27 19:18:29.381109+00', NULL, NULL, '{"roll": "7"}');
INSERT INTO public.ioto_claims VALUES (23, 'JT08FFQXWQ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-old', 'labelled', 'imported', '2026-01-01 08:00:00+00', '2026-01-01 08:00:00+00', NULL, NULL, '{"more": {"run": "20261127T143210-7QK4XW", "twins": "x", "unsettled": true}, "n": [1, 2.5, null], "run": 7}');
INSERT INTO public.ioto_claims VALUES (24, '0123456789', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-doubt', 'verified', 'imported', '2026-01-01 08:00:00+00', '2026-01-01 08:00:00+00', NULL, NULL, '{"unsettled": true}');
INSERT INTO public.ioto_claims VALUES (25, 'VSPH9EVQH0', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-not-sealed', 'allocated', 'given', '2026-11-27 19:18:29.533496+00', '2026-11-27 19:18:29.533496+00', 'SN-not-sealed', NULL, '{"mac": "SN-not-sealed", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');


--
-- Data for Name: ioto_counts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'written', 0, 43, 3);
INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'retired', 0, 43, 2);
INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'allocated', 1, 43, 3);
INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'labelled', 0, 43, 4);
INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'verified', 0, 43, 7);
INSERT INTO public.ioto_counts VALUES ('01G8YJKKRNTHW213TRZYX3YH0M', 'allocated', 0, 43, 6);


--
-- Data for Name: ioto_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_events VALUES (1, '2026-11-27 19:18:28.184749+00', 'allocated', '378922EFRA', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-0', 'ann@line-1', 'SN-0', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '_vpTEAoywglHgc0a.0');
INSERT INTO public.ioto_events VALUES (2, '2026-11-27 19:18:28.268792+00', 'allocated', 'EJ82Y0E4QJ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-1', 'ann@line-1', 'SN-1', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'jCXJULeT9zXLwbkE.0');
INSERT INTO public.ioto_events VALUES (3, '2026-11-27 19:18:28.292694+00', 'written', 'EJ82Y0E4QJ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-1', 'ann@line-1', 'SN-1', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'KnHeCOE0zq2e7KLl.0');
INSERT INTO public.ioto_events VALUES (4, '2026-11-27 19:18:28.344564+00', 'allocated', 'KMBG56EX78', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'ann@line-1', 'SN-2', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'patvut2KLPdr_i8g.0');
INSERT INTO public.ioto_events VALUES (5, '2026-11-27 19:18:28.38139+00', 'written', 'KMBG56EX78', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'ann@line-1', 'SN-2', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'uojxLS-99QYJBNUW.0');
INSERT INTO public.ioto_events VALUES (6, '2026-11-27 19:18:28.38139+00', 'verified', 'KMBG56EX78', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-2', 'ann@line-1', 'SN-2', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'uojxLS-99QYJBNUW.1');
INSERT INTO public.ioto_events VALUES (7, '2026-11-27 19:18:28.383329+00', 'allocated', 'RTEN1R1PB2', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'ann@line-1', 'SN-3', 'source given', NULL, NULL, NULL, 'QUQAb_4e4K13X4uS.0');
INSERT INTO public.ioto_events VALUES (8, '2026-11-27 19:18:28.406854+00', 'written', 'RTEN1R1PB2', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'ann@line-1', 'SN-3', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'xBo6s24WZOWeYC4k.0');
INSERT INTO public.ioto_events VALUES (9, '2026-11-27 19:18:28.406854+00', 'verified', 'RTEN1R1PB2', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'ann@line-1', 'SN-3', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'xBo6s24WZOWeYC4k.1');
INSERT INTO public.ioto_events VALUES (10, '2026-11-27 19:18:28.406854+00', 'labelled', 'RTEN1R1PB2', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-3', 'ann@line-1', 'SN-3', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'xBo6s24WZOWeYC4k.2');
INSERT INTO public.ioto_events VALUES (11, '2026-11-27 19:18:28.438112+00', 'allocated', 'W2Q0YFPCBD', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-4', 'ann@line-1', 'SN-4', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '6itvr3dc3iwPdNne.0');
INSERT INTO public.ioto_events VALUES (12, '2026-11-27 19:18:28.461561+00', 'allocated', 'FHZHZ6NQ36', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-5', 'ann@line-1', 'SN-5', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'iUdD27d8bwvbB2oA.0');
INSERT INTO public.ioto_events VALUES (13, '2026-11-27 19:18:28.493875+00', 'written', 'FHZHZ6NQ36', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-5', 'ann@line-1', 'SN-5', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'F0Ku4-WrMWyy4f2w.0');
INSERT INTO public.ioto_events VALUES (14, '2026-11-27 19:18:28.517134+00', 'allocated', 'SG9V65CFFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'ann@line-1', 'SN-6', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '1pFnCT_7_CYGjZb1.0');
INSERT INTO public.ioto_events VALUES (15, '2026-11-27 19:18:28.521503+00', 'written', 'SG9V65CFFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'ann@line-1', 'SN-6', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'wHZ-AiAcTgsVBZ0C.0');
INSERT INTO public.ioto_events VALUES (16, '2026-11-27 19:18:28.521503+00', 'verified', 'SG9V65CFFC', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-6', 'ann@line-1', 'SN-6', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'wHZ-AiAcTgsVBZ0C.1');
INSERT INTO public.ioto_events VALUES (17, '2026-11-27 19:18:28.546011+00', 'allocated', 'FNCBHCQF40', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'ann@line-1', 'SN-7', 'source given', NULL, NULL, NULL, 'nhbhuohZOv34u36T.0');
INSERT INTO public.ioto_events VALUES (18, '2026-11-27 19:18:28.582092+00', 'written', 'FNCBHCQF40', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'ann@line-1', 'SN-7', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'FcQ6h-6jV9ZQOrjw.0');
INSERT INTO public.ioto_events VALUES (19, '2026-11-27 19:18:28.582092+00', 'verified', 'FNCBHCQF40', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'ann@line-1', 'SN-7', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'FcQ6h-6jV9ZQOrjw.1');
INSERT INTO public.ioto_events VALUES (20, '2026-11-27 19:18:28.582092+00', 'labelled', 'FNCBHCQF40', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-7', 'ann@line-1', 'SN-7', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'FcQ6h-6jV9ZQOrjw.2');
INSERT INTO public.ioto_events VALUES (21, '2026-11-27 19:18:28.59306+00', 'allocated', 'Q6WRN5VYJZ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-8', 'ann@line-1', 'SN-8', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '4iCP4eg4T6UlYGd3.0');
INSERT INTO public.ioto_events VALUES (22, '2026-11-27 19:18:28.617434+00', 'allocated', 'YQ7E1TVBJF', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-9', 'ann@line-1', 'SN-9', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '9RAlX7E7esRqtc7M.0');
INSERT INTO public.ioto_events VALUES (23, '2026-11-27 19:18:28.641748+00', 'written', 'YQ7E1TVBJF', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-9', 'ann@line-1', 'SN-9', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'ZR5cIHqVqP7tWVja.0');
INSERT INTO public.ioto_events VALUES (24, '2026-11-27 19:18:28.653941+00', 'allocated', '4HM4735BJH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-10', 'ann@line-1', 'SN-10', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'Y4xCN2eYkutpIT3x.0');
INSERT INTO public.ioto_events VALUES (25, '2026-11-27 19:18:28.664674+00', 'written', '4HM4735BJH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-10', 'ann@line-1', 'SN-10', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'dVRuz7RGzLu7MOM3.0');
INSERT INTO public.ioto_events VALUES (26, '2026-11-27 19:18:28.664674+00', 'verified', '4HM4735BJH', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-10', 'ann@line-1', 'SN-10', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'dVRuz7RGzLu7MOM3.1');
INSERT INTO public.ioto_events VALUES (27, '2026-11-27 19:18:28.688721+00', 'allocated', 'YH8N1DSJZ4', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-11', 'ann@line-1', 'SN-11', 'source given', NULL, NULL, NULL, 'iPQhyXvENddapz9D.0');
INSERT INTO public.ioto_events VALUES (28, '2026-11-27 19:18:28.693448+00', 'written', 'YH8N1DSJZ4', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-11', 'ann@line-1', 'SN-11', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'L2JmmJnEfKVeGq2a.0');
INSERT INTO public.ioto_events VALUES (29, '2026-11-27 19:18:28.693448+00', 'verified', 'YH8N1DSJZ4', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-11', 'ann@line-1', 'SN-11', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'L2JmmJnEfKVeGq2a.1');
INSERT INTO public.ioto_events VALUES (30, '2026-11-27 19:18:28.693448+00', 'labelled', 'YH8N1DSJZ4', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-11', 'ann@line-1', 'SN-11', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'L2JmmJnEfKVeGq2a.2');
INSERT INTO public.ioto_events VALUES (31, '2026-11-27 19:18:28.712686+00', 'allocated', 'S8TN95TRW8', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-0', 'ann@line-1', 'twins-0', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'CQjVzpmln0-9MFaV.0');
INSERT INTO public.ioto_events VALUES (32, '2026-11-27 19:18:28.714012+00', 'conflict', 'S8TN95TRW8', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-0', 'ann@line-1', 'the-other', 'twins-0 and the-other both say that they are unit ''twins-0'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.', '20261127T143210-7QK4XW', NULL, 'mac twins-0', 'oZdO1AxY0vWb7LYU.0');
INSERT INTO public.ioto_events VALUES (33, '2026-11-27 19:18:28.780423+00', 'allocated', '32S64920QV', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-1', 'ann@line-1', 'twins-1', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '1Z91zwsVr1jJrisC.0');
INSERT INTO public.ioto_events VALUES (34, '2026-11-27 19:18:28.802121+00', 'conflict', '32S64920QV', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-1', 'ann@line-1', 'the-other', 'twins-1 and the-other both say that they are unit ''twins-1'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.', '20261127T143210-7QK4XW', NULL, 'mac twins-1', 'T59DD2KZRV_NwwyA.0');
INSERT INTO public.ioto_events VALUES (35, '2026-11-27 19:18:28.872648+00', 'allocated', 'M6NHRM951T', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-of-old', 'ann@line-1', 'twins-of-old', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'jYgpyHdMJuAweC66.0');
INSERT INTO public.ioto_events VALUES (36, '2026-11-27 19:18:28.895435+00', 'conflict', 'M6NHRM951T', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-of-old', 'ann@line-1', 'the-other', 'twins-of-old and the-other both say that they are unit ''twins-of-old'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.', '20261127T143210-7QK4XW', NULL, 'mac twins-of-old', 'kHZBbcvwPJjW4P5Z.0');
INSERT INTO public.ioto_events VALUES (37, '2026-11-27 19:18:28.95746+00', 'resolved', NULL, '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-1', 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, 'seen', 'JRsYvSCyqvUGv4px.0');
INSERT INTO public.ioto_events VALUES (38, '2026-11-27 19:18:28.962741+00', 'allocated', '0PVWWSZ1V7', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-0', 'ann@line-1', 'unsettled-0', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '5Q27rmr1tRREMJof.0');
INSERT INTO public.ioto_events VALUES (39, '2026-11-27 19:18:28.966499+00', 'written', '0PVWWSZ1V7', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-0', 'ann@line-1', 'unsettled-0', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'kOEHJHz4UN0-S7jh.0');
INSERT INTO public.ioto_events VALUES (40, '2026-11-27 19:18:28.966499+00', 'verified', '0PVWWSZ1V7', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-0', 'ann@line-1', 'unsettled-0', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'kOEHJHz4UN0-S7jh.1');
INSERT INTO public.ioto_events VALUES (41, '2026-11-27 19:18:29.00929+00', 'allocated', 'YQ563WHJ6G', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-1', 'ann@line-1', 'unsettled-1', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'aHdk53-c9lPVhIDD.0');
INSERT INTO public.ioto_events VALUES (42, '2026-11-27 19:18:29.060039+00', 'written', 'YQ563WHJ6G', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-1', 'ann@line-1', 'unsettled-1', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'fZYEao2z45pGcFuj.0');
INSERT INTO public.ioto_events VALUES (43, '2026-11-27 19:18:29.060039+00', 'verified', 'YQ563WHJ6G', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-1', 'ann@line-1', 'unsettled-1', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'fZYEao2z45pGcFuj.1');
INSERT INTO public.ioto_events VALUES (44, '2026-11-27 19:18:29.092842+00', 'allocated', '147YB59DK0', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-of-old', 'ann@line-1', 'unsettled-of-old', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '1ITGg6tJqiOZSfHN.0');
INSERT INTO public.ioto_events VALUES (45, '2026-11-27 19:18:29.10044+00', 'written', '147YB59DK0', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-of-old', 'ann@line-1', 'unsettled-of-old', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'iUcYgeWBYvC32J_b.0');
INSERT INTO public.ioto_events VALUES (46, '2026-11-27 19:18:29.10044+00', 'verified', '147YB59DK0', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-of-old', 'ann@line-1', 'unsettled-of-old', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'iUcYgeWBYvC32J_b.1');
INSERT INTO public.ioto_events VALUES (47, '2026-11-27 19:18:29.164755+00', 'allocated', '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled', 'ann@line-1', 'twins-unsettled', 'source given', '20261127T143210-7QK4XW', NULL, NULL, '-P9qiExkVCUCPJYO.0');
INSERT INTO public.ioto_events VALUES (48, '2026-11-27 19:18:29.185337+00', 'written', '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled', 'ann@line-1', 'twins-unsettled', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'kFS9D2u7W-NngNZv.0');
INSERT INTO public.ioto_events VALUES (49, '2026-11-27 19:18:29.185337+00', 'verified', '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled', 'ann@line-1', 'twins-unsettled', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'kFS9D2u7W-NngNZv.1');
INSERT INTO public.ioto_events VALUES (50, '2026-11-27 19:18:29.249603+00', 'conflict', '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled', 'ann@line-1', 'the-other', 'twins-unsettled and the-other both say that they are unit ''twins-unsettled'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.', '20261127T143210-7QK4XW', NULL, 'mac twins-unsettled', 'ZFYTajFSFoEM4iQk.0');
INSERT INTO public.ioto_events VALUES (51, '2026-11-27 19:18:29.317154+00', 'retired', 'M6NHRM951T', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-of-old', 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, 'scrapped', 'yKiQaGQUl6pee2EV.0');
INSERT INTO public.ioto_events VALUES (52, '2026-11-27 19:18:29.359548+00', 'retired', '147YB59DK0', '01G8YJKKRNTHW213TRZYX3YH0M', 'unsettled-of-old', 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, 'scrapped', 'DGcvKyfQvwXE64OQ.0');
INSERT INTO public.ioto_events VALUES (53, '2026-11-27 19:18:29.381109+00', 'reserved', '9H0CMH9A3E', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'RCudLsAh0hUcQTuL.0');
INSERT INTO public.ioto_events VALUES (54, '2026-11-27 19:18:29.381109+00', 'reserved', 'F1B0TRWA6Q', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'RCudLsAh0hUcQTuL.1');
INSERT INTO public.ioto_events VALUES (55, '2026-11-27 19:18:29.381109+00', 'reserved', '3G7MZBMQSC', '01G8YJKKRNTHW213TRZYX3YH0M', NULL, 'ann@line-1', 'bench', NULL, '20261127T143210-7QK4XW', NULL, NULL, 'RCudLsAh0hUcQTuL.2');
INSERT INTO public.ioto_events VALUES (56, '2026-11-27 19:18:29.415499+00', 'imported', 'JT08FFQXWQ', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-old', 'ann@line-1', 'bench', 'state labelled', '20261127T143210-7QK4XW', NULL, NULL, '_bcMrIHfv4c8pzYS.0');
INSERT INTO public.ioto_events VALUES (57, '2026-11-27 19:18:29.415499+00', 'imported', '0123456789', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-doubt', 'ann@line-1', 'bench', 'state verified', '20261127T143210-7QK4XW', NULL, NULL, '_bcMrIHfv4c8pzYS.1');
INSERT INTO public.ioto_events VALUES (58, '2026-11-27 19:18:29.433259+00', 'run', NULL, NULL, NULL, 'ann@line-1', 'bench', '{"started": "2026-11-27T14:32:10+00:00", "devices": 5}', '20261127T143210-7QK4XW', NULL, NULL, 'FL-vZJdi1tf-dqmi.0');
INSERT INTO public.ioto_events VALUES (59, '2026-11-27 19:18:29.533496+00', 'allocated', 'VSPH9EVQH0', '01G8YJKKRNTHW213TRZYX3YH0M', 'SN-not-sealed', 'ann@line-1', 'SN-not-sealed', 'source given', '20261127T143210-7QK4XW', NULL, NULL, 'VNI03XlTIS70tLOo.0');


--
-- Data for Name: ioto_ledger; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_ledger VALUES (2, '4i_2Qc60pc7WvfNo');


--
-- Data for Name: ioto_open_conflicts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_open_conflicts VALUES (32, 'S8TN95TRW8', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-0');
INSERT INTO public.ioto_open_conflicts VALUES (36, 'M6NHRM951T', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-of-old');
INSERT INTO public.ioto_open_conflicts VALUES (50, '0XV7H2V83E', '01G8YJKKRNTHW213TRZYX3YH0M', 'twins-unsettled');


--
-- Data for Name: ioto_seals; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ioto_seals VALUES (1, 1, 58, 58, '2026-11-27 19:18:29.50676+00', '3ac18f6a8192ae264b5b184452b16eeaa46eeaf7440e43d6d3471c0c61d3697f.612df97b8cb2b8efb36b649d2999116a2a0906af4640b056c5a324159a1c341b9d1d9cb2e2c31bc7dd4d1a50e9984b77871cb65221b91dbe9c69a0b0c811ff4bb883031573dc73cc98ced304adeb22b0016f019ae0ba79e9a4ec576123cc1aba1074c4aa5785a8542c88eaff79c42a97e28355c6');


--
-- Name: ioto_claims_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ioto_claims_seq_seq', 25, true);


--
-- Name: ioto_events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ioto_events_id_seq', 59, true);


--
-- Name: ioto_seals_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ioto_seals_seq_seq', 1, false);


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
-- Name: ioto_counts ioto_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_counts
    ADD CONSTRAINT ioto_counts_pkey PRIMARY KEY (product, state, reserved, slot);


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
-- Name: ioto_open_conflicts ioto_open_conflicts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_open_conflicts
    ADD CONSTRAINT ioto_open_conflicts_pkey PRIMARY KEY (event);


--
-- Name: ioto_seals ioto_seals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ioto_seals
    ADD CONSTRAINT ioto_seals_pkey PRIMARY KEY (seq);


--
-- Name: ioto_claims_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ioto_claims_live ON public.ioto_claims USING btree (unit, product) WHERE (state <> 'retired'::text);


--
-- Name: ioto_claims_retired; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_claims_retired ON public.ioto_claims USING btree (unit) WHERE (state = 'retired'::text);


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
-- Name: ioto_events_of_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_of_run ON public.ioto_events USING btree (run) WHERE (run IS NOT NULL);


--
-- Name: ioto_events_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_run ON public.ioto_events USING btree (id) WHERE (action = 'run'::text);


--
-- Name: ioto_events_unit; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_events_unit ON public.ioto_events USING btree (unit);


--
-- Name: ioto_open_conflicts_claim; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_open_conflicts_claim ON public.ioto_open_conflicts USING btree (claim_id, product, unit);


--
-- Name: ioto_open_conflicts_unit; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ioto_open_conflicts_unit ON public.ioto_open_conflicts USING btree (product, unit);


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
-- Name: ioto_seals ioto_seals_fixed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_seals_fixed BEFORE UPDATE ON public.ioto_seals FOR EACH ROW EXECUTE FUNCTION public.ioto_seals_fixed();


--
-- Name: ioto_seals ioto_seals_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_seals_kept BEFORE DELETE ON public.ioto_seals FOR EACH ROW EXECUTE FUNCTION public.ioto_seals_kept();


--
-- Name: ioto_seals ioto_seals_kept_whole; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ioto_seals_kept_whole BEFORE TRUNCATE ON public.ioto_seals FOR EACH STATEMENT EXECUTE FUNCTION public.ioto_seals_kept();


--
-- PostgreSQL database dump complete
--


