BEGIN TRANSACTION;
CREATE TABLE ioto_claims (
	seq INTEGER NOT NULL, 
	claim_id TEXT NOT NULL, 
	product TEXT NOT NULL, 
	unit TEXT, 
	state TEXT NOT NULL, 
	source TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	host TEXT, 
	reason TEXT, 
	details TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	CONSTRAINT ioto_claims_state CHECK (state IN ('allocated', 'written', 'verified', 'labelled', 'retired')), 
	UNIQUE (claim_id)
);
INSERT INTO "ioto_claims" VALUES(1,'3AHEZY7CPE','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','allocated','given','2026-11-27 14:26:17.144314','2026-11-27 14:26:17.144314','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(2,'8JYQ860C1V','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-0','allocated','given','2026-11-27 14:26:17.145441','2026-11-27 14:26:17.145441','bench-1',NULL,'{"mac": "00:11:22:33:44:00", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(3,'9G0TN88YE9','01G8YJKKRNTHW213TRZYX3YH0M','SN-1','allocated','given','2026-11-27 14:26:17.145966','2026-11-27 14:26:17.145966','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(4,'ZBTJYNFPSS','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-1','allocated','given','2026-11-27 14:26:17.146427','2026-11-27 14:26:17.146427','bench-1',NULL,'{"mac": "00:11:22:33:44:01", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(5,'9HE7JRJTGH','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','allocated','given','2026-11-27 14:26:17.146913','2026-11-27 14:26:17.146913','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(6,'MZNJ7F2QRZ','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-2','allocated','given','2026-11-27 14:26:17.147321','2026-11-27 14:26:17.147321','bench-1',NULL,'{"mac": "00:11:22:33:44:02", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(7,'FJ9GG3BNGV','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','allocated','given','2026-11-27 14:26:17.147826','2026-11-27 14:26:17.147826','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(8,'YWXVKZ4Z5S','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-3','allocated','given','2026-11-27 14:26:17.148241','2026-11-27 14:26:17.148241','bench-1',NULL,'{"mac": "00:11:22:33:44:03", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(9,'BPD1JY22V0','01G8YJKKRNTHW213TRZYX3YH0M','SN-4','allocated','given','2026-11-27 14:26:17.148697','2026-11-27 14:26:17.148697','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(10,'MEN5EYDV3B','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-4','allocated','given','2026-11-27 14:26:17.149095','2026-11-27 14:26:17.149095','bench-1',NULL,'{"mac": "00:11:22:33:44:04", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(11,'WXZRMBMJGA','01G8YJKKRNTHW213TRZYX3YH0M','SN-5','allocated','given','2026-11-27 14:26:17.149528','2026-11-27 14:26:17.149528','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(12,'JM4P53G182','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-5','allocated','given','2026-11-27 14:26:17.149938','2026-11-27 14:26:17.149938','bench-1',NULL,'{"mac": "00:11:22:33:44:05", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(13,'6687MQVW95','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','allocated','given','2026-11-27 14:26:17.150375','2026-11-27 14:26:17.150375','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(14,'ZX6BXH23YC','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-6','allocated','given','2026-11-27 14:26:17.150769','2026-11-27 14:26:17.150769','bench-1',NULL,'{"mac": "00:11:22:33:44:06", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(15,'G3WCRYQRB2','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','allocated','given','2026-11-27 14:26:17.151207','2026-11-27 14:26:17.151207','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(16,'PA2SS1GK7W','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-7','allocated','given','2026-11-27 14:26:17.151630','2026-11-27 14:26:17.151630','bench-1',NULL,'{"mac": "00:11:22:33:44:07", "n": [1, null], "odd": "a \"b\" ''c'' \\d\\ \u00fc\u4e2d\ud83e\uddea\ttab, comma; 50 % {x} $1\r\nnext\u2028line"}');
INSERT INTO "ioto_claims" VALUES(17,'1P720075VSSBKZ34','01G8YJKKRNTHW213TRZYX3YH0M','state-0-a','written','given','2026-11-27 14:26:17.152072','2026-11-27 14:26:17.152473','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(18,'1DNBHQ9NA945BYC1','01G8YJKKRNTHW213TRZYX3YH0M','state-0-b','written','given','2026-11-27 14:26:17.153044','2026-11-27 14:26:17.153461','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(19,'X9QX0G8H806Z8AR9','01G8YJKKRNTHW213TRZYX3YH0M','state-1-a','verified','given','2026-11-27 14:26:17.153956','2026-11-27 14:26:17.154486','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(20,'4DC1R4F0ZW7SGTYT','01G8YJKKRNTHW213TRZYX3YH0M','state-1-b','verified','given','2026-11-27 14:26:17.155091','2026-11-27 14:26:17.155603','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(21,'GJQB5NXJYYABE3M2','01G8YJKKRNTHW213TRZYX3YH0M','state-2-a','labelled','given','2026-11-27 14:26:17.156138','2026-11-27 14:26:17.156597','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(22,'7FMY2JT86Q31BGV1','01G8YJKKRNTHW213TRZYX3YH0M','state-2-b','labelled','given','2026-11-27 14:26:17.157188','2026-11-27 14:26:17.157731','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(23,'8STDM0326C','01G8YJKKRNTHW213TRZYX3YH0M','a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1','retired','given','2026-11-27 14:26:17.158260','2026-11-27 14:26:17.158787','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line','{}');
INSERT INTO "ioto_claims" VALUES(24,'V9S5MMM6MV','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','retired','given','2026-11-27 14:26:17.159298','2026-11-27 14:26:17.159816','bench-1','scrapped','{}');
INSERT INTO "ioto_claims" VALUES(25,'S1WKD64632','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','retired','given','2026-11-27 14:26:17.160476','2026-11-27 14:26:17.160946','bench-1','wrong label','{}');
INSERT INTO "ioto_claims" VALUES(26,'16A2W1ZX20','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','allocated','generated','2026-11-27 14:26:17.160946','2026-11-27 14:26:17.160946','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(27,'FC2QK10JXE','01G8YJKKRNTHW213TRZYX3YH0M','SN-bound','allocated','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.162816','bench-1',NULL,'{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(28,'7A23PZEFKA','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'retired','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.163382',NULL,'label lost','{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(29,'71S3VWKRV4','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.161541',NULL,NULL,'{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(30,'4PNJM1FPV8','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.161541',NULL,NULL,'{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(31,'E38A1ZEF3R','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.161541',NULL,NULL,'{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(32,'RMF19JYZ8J','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 14:26:17.161541','2026-11-27 14:26:17.161541',NULL,NULL,'{"sheet": 7}');
INSERT INTO "ioto_claims" VALUES(33,'EF1757153P','01G9BFEDZXJYWEJ56DPPQSXTWP',NULL,'allocated','reserved','2026-11-27 14:26:17.162229','2026-11-27 14:26:17.162229',NULL,NULL,'{}');
INSERT INTO "ioto_claims" VALUES(34,'FRC7VZ4ZJV','01G9BFEDZXJYWEJ56DPPQSXTWP',NULL,'allocated','reserved','2026-11-27 14:26:17.162229','2026-11-27 14:26:17.162229',NULL,NULL,'{}');
INSERT INTO "ioto_claims" VALUES(35,'KKS1WMWKGP','01G8YJKKRNTHW213TRZYX3YH0M','SN-moved-to','allocated','given','2026-11-27 14:26:17.163995','2026-11-27 14:26:17.164488','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(36,'JT08FFQXWQ','01G8YJKKRNTHW213TRZYX3YH0M','SN-old','labelled','imported','2026-11-27 14:26:17.159298','2026-11-27 14:26:17.159298',NULL,NULL,'{}');
INSERT INTO "ioto_claims" VALUES(37,'34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','allocated','given','2026-11-27 14:26:17.165554','2026-11-27 14:26:17.165554','bench-1',NULL,'{}');
INSERT INTO "ioto_claims" VALUES(38,'30XYB1PT4H','01G8YJKKRNTHW213TRZYX3YH0M','SN-settled','allocated','given','2026-11-27 14:26:17.172373','2026-11-27 14:26:17.172373','bench-1',NULL,'{}');
CREATE TABLE ioto_events (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	action TEXT NOT NULL, 
	claim_id TEXT, 
	product TEXT, 
	unit TEXT, 
	actor TEXT NOT NULL, 
	host TEXT, 
	detail TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "ioto_events" VALUES(1,'2026-11-27 14:26:17.144314','allocated','3AHEZY7CPE','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(2,'2026-11-27 14:26:17.145441','allocated','8JYQ860C1V','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-0','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(3,'2026-11-27 14:26:17.145966','allocated','9G0TN88YE9','01G8YJKKRNTHW213TRZYX3YH0M','SN-1','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(4,'2026-11-27 14:26:17.146427','allocated','ZBTJYNFPSS','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-1','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(5,'2026-11-27 14:26:17.146913','allocated','9HE7JRJTGH','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(6,'2026-11-27 14:26:17.147321','allocated','MZNJ7F2QRZ','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-2','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(7,'2026-11-27 14:26:17.147826','allocated','FJ9GG3BNGV','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(8,'2026-11-27 14:26:17.148241','allocated','YWXVKZ4Z5S','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-3','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(9,'2026-11-27 14:26:17.148697','allocated','BPD1JY22V0','01G8YJKKRNTHW213TRZYX3YH0M','SN-4','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(10,'2026-11-27 14:26:17.149095','allocated','MEN5EYDV3B','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-4','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(11,'2026-11-27 14:26:17.149528','allocated','WXZRMBMJGA','01G8YJKKRNTHW213TRZYX3YH0M','SN-5','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(12,'2026-11-27 14:26:17.149938','allocated','JM4P53G182','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-5','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(13,'2026-11-27 14:26:17.150375','allocated','6687MQVW95','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(14,'2026-11-27 14:26:17.150769','allocated','ZX6BXH23YC','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-6','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(15,'2026-11-27 14:26:17.151207','allocated','G3WCRYQRB2','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(16,'2026-11-27 14:26:17.151630','allocated','PA2SS1GK7W','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-7','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(17,'2026-11-27 14:26:17.152072','allocated','1P720075VSSBKZ34','01G8YJKKRNTHW213TRZYX3YH0M','state-0-a','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(18,'2026-11-27 14:26:17.152473','written','1P720075VSSBKZ34','01G8YJKKRNTHW213TRZYX3YH0M','state-0-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(19,'2026-11-27 14:26:17.153044','allocated','1DNBHQ9NA945BYC1','01G8YJKKRNTHW213TRZYX3YH0M','state-0-b','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(20,'2026-11-27 14:26:17.153461','written','1DNBHQ9NA945BYC1','01G8YJKKRNTHW213TRZYX3YH0M','state-0-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(21,'2026-11-27 14:26:17.153956','allocated','X9QX0G8H806Z8AR9','01G8YJKKRNTHW213TRZYX3YH0M','state-1-a','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(22,'2026-11-27 14:26:17.154486','written','X9QX0G8H806Z8AR9','01G8YJKKRNTHW213TRZYX3YH0M','state-1-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(23,'2026-11-27 14:26:17.154486','verified','X9QX0G8H806Z8AR9','01G8YJKKRNTHW213TRZYX3YH0M','state-1-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(24,'2026-11-27 14:26:17.155091','allocated','4DC1R4F0ZW7SGTYT','01G8YJKKRNTHW213TRZYX3YH0M','state-1-b','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(25,'2026-11-27 14:26:17.155603','written','4DC1R4F0ZW7SGTYT','01G8YJKKRNTHW213TRZYX3YH0M','state-1-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(26,'2026-11-27 14:26:17.155603','verified','4DC1R4F0ZW7SGTYT','01G8YJKKRNTHW213TRZYX3YH0M','state-1-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(27,'2026-11-27 14:26:17.156138','allocated','GJQB5NXJYYABE3M2','01G8YJKKRNTHW213TRZYX3YH0M','state-2-a','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(28,'2026-11-27 14:26:17.156597','written','GJQB5NXJYYABE3M2','01G8YJKKRNTHW213TRZYX3YH0M','state-2-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(29,'2026-11-27 14:26:17.156597','verified','GJQB5NXJYYABE3M2','01G8YJKKRNTHW213TRZYX3YH0M','state-2-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(30,'2026-11-27 14:26:17.156597','labelled','GJQB5NXJYYABE3M2','01G8YJKKRNTHW213TRZYX3YH0M','state-2-a','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(31,'2026-11-27 14:26:17.157188','allocated','7FMY2JT86Q31BGV1','01G8YJKKRNTHW213TRZYX3YH0M','state-2-b','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(32,'2026-11-27 14:26:17.157731','written','7FMY2JT86Q31BGV1','01G8YJKKRNTHW213TRZYX3YH0M','state-2-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(33,'2026-11-27 14:26:17.157731','verified','7FMY2JT86Q31BGV1','01G8YJKKRNTHW213TRZYX3YH0M','state-2-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(34,'2026-11-27 14:26:17.157731','labelled','7FMY2JT86Q31BGV1','01G8YJKKRNTHW213TRZYX3YH0M','state-2-b','bo@line-2',NULL,'a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(35,'2026-11-27 14:26:17.158260','allocated','8STDM0326C','01G8YJKKRNTHW213TRZYX3YH0M','a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(36,'2026-11-27 14:26:17.158787','retired','8STDM0326C','01G8YJKKRNTHW213TRZYX3YH0M','a "b" ''c'' \d\ ü中🧪 tab, comma; 50 % {x} $1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(37,'2026-11-27 14:26:17.159298','allocated','V9S5MMM6MV','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(38,'2026-11-27 14:26:17.159816','retired','V9S5MMM6MV','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','ann@line-1','bench-1','scrapped');
INSERT INTO "ioto_events" VALUES(39,'2026-11-27 14:26:17.160476','allocated','S1WKD64632','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(40,'2026-11-27 14:26:17.160946','retired','S1WKD64632','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','ann@line-1','bench-1','wrong label');
INSERT INTO "ioto_events" VALUES(41,'2026-11-27 14:26:17.160946','allocated','16A2W1ZX20','01G8YJKKRNTHW213TRZYX3YH0M','SN-scrapped','ann@line-1','bench-1','source generated');
INSERT INTO "ioto_events" VALUES(42,'2026-11-27 14:26:17.161541','reserved','FC2QK10JXE','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(43,'2026-11-27 14:26:17.161541','reserved','7A23PZEFKA','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(44,'2026-11-27 14:26:17.161541','reserved','71S3VWKRV4','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(45,'2026-11-27 14:26:17.161541','reserved','4PNJM1FPV8','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(46,'2026-11-27 14:26:17.161541','reserved','E38A1ZEF3R','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(47,'2026-11-27 14:26:17.161541','reserved','RMF19JYZ8J','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(48,'2026-11-27 14:26:17.162229','reserved','EF1757153P','01G9BFEDZXJYWEJ56DPPQSXTWP',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(49,'2026-11-27 14:26:17.162229','reserved','FRC7VZ4ZJV','01G9BFEDZXJYWEJ56DPPQSXTWP',NULL,'ann@line-1','bench-1',NULL);
INSERT INTO "ioto_events" VALUES(50,'2026-11-27 14:26:17.162816','bound','FC2QK10JXE','01G8YJKKRNTHW213TRZYX3YH0M','SN-bound','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(51,'2026-11-27 14:26:17.163382','retired','7A23PZEFKA','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench-1','label lost');
INSERT INTO "ioto_events" VALUES(52,'2026-11-27 14:26:17.163995','allocated','KKS1WMWKGP','01G8YJKKRNTHW213TRZYX3YH0M','SN-moved','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(53,'2026-11-27 14:26:17.164488','rebound','KKS1WMWKGP','01G8YJKKRNTHW213TRZYX3YH0M','SN-moved-to','ann@line-1','bench-1','from unit SN-moved: new case');
INSERT INTO "ioto_events" VALUES(54,'2026-11-27 14:26:17.165040','imported','JT08FFQXWQ','01G8YJKKRNTHW213TRZYX3YH0M','SN-old','ann@line-1','bench-1','state labelled');
INSERT INTO "ioto_events" VALUES(55,'2026-11-27 14:26:17.165554','allocated','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(56,'2026-11-27 14:26:17.166048','conflict','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-open','ann@line-1','bench-1','The claim ID ********R2 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO "ioto_events" VALUES(57,'2026-11-27 14:26:17.168413','conflict','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-settled','ann@line-1','bench-1','The claim ID ********R2 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO "ioto_events" VALUES(58,'2026-11-27 14:26:17.169263','conflict','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-resolved','ann@line-1','bench-1','The claim ID ********R2 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO "ioto_events" VALUES(59,'2026-11-27 14:26:17.170070','conflict','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','ann@line-1','bench-1','The claim ID ********R2 belongs to unit SN-holder of product 01G8YJKKRNTHW213TRZYX3YH0M (allocated); give another one, or rebind that one if it was recorded for the wrong unit.');
INSERT INTO "ioto_events" VALUES(60,'2026-11-27 14:26:17.170835','conflict','0123456789','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','ann@line-1','bench-1','The unit SN-0 already has the claim ID ********PE (allocated), not the ********89 that was given; use the one it has, or replace it with force.');
INSERT INTO "ioto_events" VALUES(61,'2026-11-27 14:26:17.171599','conflict','V9S5MMM6MV','01G9BFEDZXJYWEJ56DPPQSXTWP','SN-open','ann@line-1','bench-1','The claim ID ********MV of unit SN-scrapped is retired (scrapped) and is never issued again; give another one.');
INSERT INTO "ioto_events" VALUES(62,'2026-11-27 14:26:17.172373','allocated','30XYB1PT4H','01G8YJKKRNTHW213TRZYX3YH0M','SN-settled','ann@line-1','bench-1','source given');
INSERT INTO "ioto_events" VALUES(63,'2026-11-27 14:26:17.172870','resolved','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-resolved','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(64,'2026-11-27 14:26:17.173282','conflict',NULL,NULL,NULL,'service',NULL,'about nothing that is known');
INSERT INTO "ioto_events" VALUES(65,'2026-11-27 14:26:17.174082','host key','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(66,'2026-11-27 14:26:17.174512','host key',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(67,'2026-11-27 14:26:17.174926','checked','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(68,'2026-11-27 14:26:17.175324','checked',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(69,'2026-11-27 14:26:17.175728','mismatch','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(70,'2026-11-27 14:26:17.176102','mismatch',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(71,'2026-11-27 14:26:17.176482','preprinted','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(72,'2026-11-27 14:26:17.176850','preprinted',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(73,'2026-11-27 14:26:17.182109','print-started','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(74,'2026-11-27 14:26:17.182541','print-started',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(75,'2026-11-27 14:26:17.182947','print-failed','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(76,'2026-11-27 14:26:17.183369','print-failed',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(77,'2026-11-27 14:26:17.183790','print-unsure','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(78,'2026-11-27 14:26:17.184186','print-unsure',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(79,'2026-11-27 14:26:17.184569','reprint','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(80,'2026-11-27 14:26:17.184938','reprint',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(81,'2026-11-27 14:26:17.185311','not-labelled','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(82,'2026-11-27 14:26:17.185684','not-labelled',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(83,'2026-11-27 14:26:17.186204','failed','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(84,'2026-11-27 14:26:17.186622','failed',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(85,'2026-11-27 14:26:17.187019','unreachable','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(86,'2026-11-27 14:26:17.187438','unreachable',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(87,'2026-11-27 14:26:17.187833','a kind of long ago','34P1R5GXR2','01G8YJKKRNTHW213TRZYX3YH0M','SN-holder','ann@line-1','bench-1','a "b" ''c'' \d\ ü中🧪	tab, comma; 50 % {x} $1
next line');
INSERT INTO "ioto_events" VALUES(88,'2026-11-27 14:26:17.188271','a kind of long ago',NULL,NULL,NULL,'service',NULL,NULL);
INSERT INTO "ioto_events" VALUES(89,'2026-11-27 14:26:17.188672','run',NULL,NULL,NULL,'ann@line-1',NULL,'{"started": "2026-11-23T08:00:03+00:00", "devices": 5, "done": 3}');
INSERT INTO "ioto_events" VALUES(90,'2026-11-27 14:26:17.189074','run',NULL,NULL,NULL,'ann@line-1',NULL,'{"started": "2026-11-23T08:00:05+00:00", "devices": 5, "done": 5}');
CREATE TABLE ioto_ledger (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "ioto_ledger" VALUES(1);
CREATE UNIQUE INDEX ioto_claims_live ON ioto_claims (unit, product) WHERE state <> 'retired';
CREATE TRIGGER ioto_claims_kept BEFORE DELETE ON ioto_claims FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'a claim is never deleted'); END;
CREATE TRIGGER ioto_claims_fixed BEFORE UPDATE ON ioto_claims FOR EACH ROW WHEN OLD.state = 'retired' OR OLD.claim_id <> NEW.claim_id BEGIN SELECT RAISE(ABORT, 'a retired claim and a claim ID are never changed'); END;
CREATE INDEX ioto_events_claim ON ioto_events (claim_id) WHERE action <> 'allocated';
CREATE INDEX ioto_events_unit ON ioto_events (unit);
CREATE INDEX ioto_events_conflict ON ioto_events (id) WHERE action = 'conflict';
CREATE INDEX ioto_events_at ON ioto_events (at);
CREATE TRIGGER ioto_events_fixed BEFORE UPDATE ON ioto_events FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER ioto_events_kept BEFORE DELETE ON ioto_events FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
COMMIT;
