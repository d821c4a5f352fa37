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
	UNIQUE (claim_id), 
	CONSTRAINT ioto_claims_state CHECK (state IN ('allocated', 'written', 'verified', 'labelled', 'retired'))
);
INSERT INTO "ioto_claims" VALUES(1,'M9VKXSK9FJ','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','allocated','given','2026-11-27 19:18:18.510500','2026-11-27 19:18:18.510500','SN-0',NULL,'{"mac": "SN-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(2,'6HQH5HX2VM','01G8YJKKRNTHW213TRZYX3YH0M','SN-1','written','given','2026-11-27 19:18:18.529643','2026-11-27 19:18:18.544884','SN-1',NULL,'{"mac": "SN-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(3,'T4X91H8EYN','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','verified','given','2026-11-27 19:18:18.546024','2026-11-27 19:18:18.555685','SN-2',NULL,'{"mac": "SN-2", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(4,'082NSKQ5T4','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','labelled','given','2026-11-27 19:18:18.559176','2026-11-27 19:18:18.562245','SN-3',NULL,'{"mac": "SN-3", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO "ioto_claims" VALUES(5,'YAXKR6EB7S','01G8YJKKRNTHW213TRZYX3YH0M','SN-4','allocated','given','2026-11-27 19:18:18.568860','2026-11-27 19:18:18.568860','SN-4',NULL,'{"mac": "SN-4", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(6,'R2T6YVZWC8','01G8YJKKRNTHW213TRZYX3YH0M','SN-5','written','given','2026-11-27 19:18:18.577378','2026-11-27 19:18:18.581058','SN-5',NULL,'{"mac": "SN-5", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(7,'N3DSRTW2AC','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','verified','given','2026-11-27 19:18:18.588856','2026-11-27 19:18:18.589499','SN-6',NULL,'{"mac": "SN-6", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(8,'Y2VMFKZWB4','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','labelled','given','2026-11-27 19:18:18.590731','2026-11-27 19:18:18.603482','SN-7',NULL,'{"mac": "SN-7", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO "ioto_claims" VALUES(9,'4BEC5TPYA9','01G8YJKKRNTHW213TRZYX3YH0M','SN-8','allocated','given','2026-11-27 19:18:18.624968','2026-11-27 19:18:18.624968','SN-8',NULL,'{"mac": "SN-8", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(10,'GN015B5VR0','01G8YJKKRNTHW213TRZYX3YH0M','SN-9','written','given','2026-11-27 19:18:18.625959','2026-11-27 19:18:18.628015','SN-9',NULL,'{"mac": "SN-9", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(11,'XB0S6JBAA1','01G8YJKKRNTHW213TRZYX3YH0M','SN-10','verified','given','2026-11-27 19:18:18.628979','2026-11-27 19:18:18.631009','SN-10',NULL,'{"mac": "SN-10", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
INSERT INTO "ioto_claims" VALUES(12,'6Z1F9X92TY','01G8YJKKRNTHW213TRZYX3YH0M','SN-11','labelled','given','2026-11-27 19:18:18.631815','2026-11-27 19:18:18.633825','SN-11',NULL,'{"mac": "SN-11", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab"}');
INSERT INTO "ioto_claims" VALUES(13,'6DFN5VAZNM','01G8YJKKRNTHW213TRZYX3YH0M','twins-0','allocated','given','2026-11-27 19:18:18.635689','2026-11-27 19:18:18.637368','twins-0',NULL,'{"mac": "twins-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-0"}');
INSERT INTO "ioto_claims" VALUES(14,'WE6GFKPPQ8','01G8YJKKRNTHW213TRZYX3YH0M','twins-1','allocated','given','2026-11-27 19:18:18.664806','2026-11-27 19:18:18.725555','twins-1',NULL,'{"mac": "twins-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": null}');
INSERT INTO "ioto_claims" VALUES(15,'66FH3YNE13','01G8YJKKRNTHW213TRZYX3YH0M','twins-of-old','retired','given','2026-11-27 19:18:18.689980','2026-11-27 19:18:18.804481','twins-of-old','scrapped','{"mac": "twins-of-old", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-of-old"}');
INSERT INTO "ioto_claims" VALUES(16,'M5SD4NA9YS','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-0','verified','given','2026-11-27 19:18:18.738117','2026-11-27 19:18:18.755346','unsettled-0',NULL,'{"mac": "unsettled-0", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": true}');
INSERT INTO "ioto_claims" VALUES(17,'YDMKCRE78Y','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-1','verified','given','2026-11-27 19:18:18.762440','2026-11-27 19:18:18.802681','unsettled-1',NULL,'{"mac": "unsettled-1", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": false}');
INSERT INTO "ioto_claims" VALUES(18,'GYGSP1W04N','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-of-old','retired','given','2026-11-27 19:18:18.778177','2026-11-27 19:18:18.808859','unsettled-of-old','scrapped','{"mac": "unsettled-of-old", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "unsettled": true}');
INSERT INTO "ioto_claims" VALUES(19,'1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled','verified','given','2026-11-27 19:18:18.791355','2026-11-27 19:18:18.800819','twins-unsettled',NULL,'{"mac": "twins-unsettled", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW", "twins": "twins-unsettled", "unsettled": true}');
INSERT INTO "ioto_claims" VALUES(20,'1Y2JA4HXVV','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 19:18:18.817357','2026-11-27 19:18:18.817357',NULL,NULL,'{"roll": "7"}');
INSERT INTO "ioto_claims" VALUES(21,'AEA9ZBAAFA','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 19:18:18.817357','2026-11-27 19:18:18.817357',NULL,NULL,'{"roll": "7"}');
INSERT INTO "ioto_claims" VALUES(22,'DB91398642','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'allocated','reserved','2026-11-27 19:18:18.817357','2026-11-27 19:18:18.817357',NULL,NULL,'{"roll": "7"}');
INSERT INTO "ioto_claims" VALUES(23,'JT08FFQXWQ','01G8YJKKRNTHW213TRZYX3YH0M','SN-old','labelled','imported','2026-01-01 08:00:00.000000','2026-01-01 08:00:00.000000',NULL,NULL,'{"more": {"run": "20261127T143210-7QK4XW", "twins": "x", "unsettled": true}, "n": [1, 2.5, null], "run": 7}');
INSERT INTO "ioto_claims" VALUES(24,'0123456789','01G8YJKKRNTHW213TRZYX3YH0M','SN-doubt','verified','imported','2026-01-01 08:00:00.000000','2026-01-01 08:00:00.000000',NULL,NULL,'{"unsettled": true}');
INSERT INTO "ioto_claims" VALUES(25,'7GBF7698ZA','01G8YJKKRNTHW213TRZYX3YH0M','SN-not-sealed','allocated','given','2026-11-27 19:18:18.838281','2026-11-27 19:18:18.838281','SN-not-sealed',NULL,'{"mac": "SN-not-sealed", "odd": "a \"run\": ''twins'' \\unsettled\\ \u00fc\u4e2d\ud83e\uddea\ttab", "run": "20261127T143210-7QK4XW"}');
CREATE TABLE ioto_counts (
	product TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reserved INTEGER NOT NULL, 
	slot INTEGER NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (product, state, reserved, slot)
);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','allocated',0,0,6);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','written',0,0,3);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','verified',0,0,7);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','labelled',0,0,4);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','retired',0,0,2);
INSERT INTO "ioto_counts" VALUES('01G8YJKKRNTHW213TRZYX3YH0M','allocated',1,0,3);
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
	run TEXT, 
	operator TEXT, 
	reason TEXT, 
	"key" TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "ioto_events" VALUES(1,'2026-11-27 19:18:18.510500','allocated','M9VKXSK9FJ','01G8YJKKRNTHW213TRZYX3YH0M','SN-0','ann@line-1','SN-0','source given','20261127T143210-7QK4XW',NULL,NULL,'imGaPOhvbuWpHggi.0');
INSERT INTO "ioto_events" VALUES(2,'2026-11-27 19:18:18.529643','allocated','6HQH5HX2VM','01G8YJKKRNTHW213TRZYX3YH0M','SN-1','ann@line-1','SN-1','source given','20261127T143210-7QK4XW',NULL,NULL,'4EBhQDAE291I9gtA.0');
INSERT INTO "ioto_events" VALUES(3,'2026-11-27 19:18:18.544884','written','6HQH5HX2VM','01G8YJKKRNTHW213TRZYX3YH0M','SN-1','ann@line-1','SN-1',NULL,'20261127T143210-7QK4XW',NULL,NULL,'iEDSk4g1cI1UBHEv.0');
INSERT INTO "ioto_events" VALUES(4,'2026-11-27 19:18:18.546024','allocated','T4X91H8EYN','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','ann@line-1','SN-2','source given','20261127T143210-7QK4XW',NULL,NULL,'3XYXAtQAqMUCqlTW.0');
INSERT INTO "ioto_events" VALUES(5,'2026-11-27 19:18:18.555685','written','T4X91H8EYN','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','ann@line-1','SN-2',NULL,'20261127T143210-7QK4XW',NULL,NULL,'-dPl-E1L5c3btN6I.0');
INSERT INTO "ioto_events" VALUES(6,'2026-11-27 19:18:18.555685','verified','T4X91H8EYN','01G8YJKKRNTHW213TRZYX3YH0M','SN-2','ann@line-1','SN-2',NULL,'20261127T143210-7QK4XW',NULL,NULL,'-dPl-E1L5c3btN6I.1');
INSERT INTO "ioto_events" VALUES(7,'2026-11-27 19:18:18.559176','allocated','082NSKQ5T4','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','ann@line-1','SN-3','source given',NULL,NULL,NULL,'eEiEI9I5k08m5HT4.0');
INSERT INTO "ioto_events" VALUES(8,'2026-11-27 19:18:18.562245','written','082NSKQ5T4','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','ann@line-1','SN-3',NULL,'20261127T143210-7QK4XW',NULL,NULL,'OUqCXxGnHycEqKd3.0');
INSERT INTO "ioto_events" VALUES(9,'2026-11-27 19:18:18.562245','verified','082NSKQ5T4','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','ann@line-1','SN-3',NULL,'20261127T143210-7QK4XW',NULL,NULL,'OUqCXxGnHycEqKd3.1');
INSERT INTO "ioto_events" VALUES(10,'2026-11-27 19:18:18.562245','labelled','082NSKQ5T4','01G8YJKKRNTHW213TRZYX3YH0M','SN-3','ann@line-1','SN-3',NULL,'20261127T143210-7QK4XW',NULL,NULL,'OUqCXxGnHycEqKd3.2');
INSERT INTO "ioto_events" VALUES(11,'2026-11-27 19:18:18.568860','allocated','YAXKR6EB7S','01G8YJKKRNTHW213TRZYX3YH0M','SN-4','ann@line-1','SN-4','source given','20261127T143210-7QK4XW',NULL,NULL,'qZ6XEA-Ckm1oKLKy.0');
INSERT INTO "ioto_events" VALUES(12,'2026-11-27 19:18:18.577378','allocated','R2T6YVZWC8','01G8YJKKRNTHW213TRZYX3YH0M','SN-5','ann@line-1','SN-5','source given','20261127T143210-7QK4XW',NULL,NULL,'7kXo8qnDyAPaacYa.0');
INSERT INTO "ioto_events" VALUES(13,'2026-11-27 19:18:18.581058','written','R2T6YVZWC8','01G8YJKKRNTHW213TRZYX3YH0M','SN-5','ann@line-1','SN-5',NULL,'20261127T143210-7QK4XW',NULL,NULL,'JHyy2oDJrHX5h7mR.0');
INSERT INTO "ioto_events" VALUES(14,'2026-11-27 19:18:18.588856','allocated','N3DSRTW2AC','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','ann@line-1','SN-6','source given','20261127T143210-7QK4XW',NULL,NULL,'Mb6wUJSNO_LfbvlX.0');
INSERT INTO "ioto_events" VALUES(15,'2026-11-27 19:18:18.589499','written','N3DSRTW2AC','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','ann@line-1','SN-6',NULL,'20261127T143210-7QK4XW',NULL,NULL,'Ard4JqJC1B-LrXlA.0');
INSERT INTO "ioto_events" VALUES(16,'2026-11-27 19:18:18.589499','verified','N3DSRTW2AC','01G8YJKKRNTHW213TRZYX3YH0M','SN-6','ann@line-1','SN-6',NULL,'20261127T143210-7QK4XW',NULL,NULL,'Ard4JqJC1B-LrXlA.1');
INSERT INTO "ioto_events" VALUES(17,'2026-11-27 19:18:18.590731','allocated','Y2VMFKZWB4','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','ann@line-1','SN-7','source given',NULL,NULL,NULL,'39zGiKvpcmlexW25.0');
INSERT INTO "ioto_events" VALUES(18,'2026-11-27 19:18:18.603482','written','Y2VMFKZWB4','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','ann@line-1','SN-7',NULL,'20261127T143210-7QK4XW',NULL,NULL,'7LwLV20VFKl2U9iH.0');
INSERT INTO "ioto_events" VALUES(19,'2026-11-27 19:18:18.603482','verified','Y2VMFKZWB4','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','ann@line-1','SN-7',NULL,'20261127T143210-7QK4XW',NULL,NULL,'7LwLV20VFKl2U9iH.1');
INSERT INTO "ioto_events" VALUES(20,'2026-11-27 19:18:18.603482','labelled','Y2VMFKZWB4','01G8YJKKRNTHW213TRZYX3YH0M','SN-7','ann@line-1','SN-7',NULL,'20261127T143210-7QK4XW',NULL,NULL,'7LwLV20VFKl2U9iH.2');
INSERT INTO "ioto_events" VALUES(21,'2026-11-27 19:18:18.624968','allocated','4BEC5TPYA9','01G8YJKKRNTHW213TRZYX3YH0M','SN-8','ann@line-1','SN-8','source given','20261127T143210-7QK4XW',NULL,NULL,'Nga6G3e1eJ5yMMFe.0');
INSERT INTO "ioto_events" VALUES(22,'2026-11-27 19:18:18.625959','allocated','GN015B5VR0','01G8YJKKRNTHW213TRZYX3YH0M','SN-9','ann@line-1','SN-9','source given','20261127T143210-7QK4XW',NULL,NULL,'Mt0xOs6c6c1ZqD9I.0');
INSERT INTO "ioto_events" VALUES(23,'2026-11-27 19:18:18.628015','written','GN015B5VR0','01G8YJKKRNTHW213TRZYX3YH0M','SN-9','ann@line-1','SN-9',NULL,'20261127T143210-7QK4XW',NULL,NULL,'tAAaeQ9oV5hlYCiU.0');
INSERT INTO "ioto_events" VALUES(24,'2026-11-27 19:18:18.628979','allocated','XB0S6JBAA1','01G8YJKKRNTHW213TRZYX3YH0M','SN-10','ann@line-1','SN-10','source given','20261127T143210-7QK4XW',NULL,NULL,'wWlnJHzkO9pXl2nW.0');
INSERT INTO "ioto_events" VALUES(25,'2026-11-27 19:18:18.631009','written','XB0S6JBAA1','01G8YJKKRNTHW213TRZYX3YH0M','SN-10','ann@line-1','SN-10',NULL,'20261127T143210-7QK4XW',NULL,NULL,'JaYonnB2Hdv7mLQW.0');
INSERT INTO "ioto_events" VALUES(26,'2026-11-27 19:18:18.631009','verified','XB0S6JBAA1','01G8YJKKRNTHW213TRZYX3YH0M','SN-10','ann@line-1','SN-10',NULL,'20261127T143210-7QK4XW',NULL,NULL,'JaYonnB2Hdv7mLQW.1');
INSERT INTO "ioto_events" VALUES(27,'2026-11-27 19:18:18.631815','allocated','6Z1F9X92TY','01G8YJKKRNTHW213TRZYX3YH0M','SN-11','ann@line-1','SN-11','source given',NULL,NULL,NULL,'SQu22HdmbYrLXCwF.0');
INSERT INTO "ioto_events" VALUES(28,'2026-11-27 19:18:18.633825','written','6Z1F9X92TY','01G8YJKKRNTHW213TRZYX3YH0M','SN-11','ann@line-1','SN-11',NULL,'20261127T143210-7QK4XW',NULL,NULL,'sqZ-v3j3Ig6oEztI.0');
INSERT INTO "ioto_events" VALUES(29,'2026-11-27 19:18:18.633825','verified','6Z1F9X92TY','01G8YJKKRNTHW213TRZYX3YH0M','SN-11','ann@line-1','SN-11',NULL,'20261127T143210-7QK4XW',NULL,NULL,'sqZ-v3j3Ig6oEztI.1');
INSERT INTO "ioto_events" VALUES(30,'2026-11-27 19:18:18.633825','labelled','6Z1F9X92TY','01G8YJKKRNTHW213TRZYX3YH0M','SN-11','ann@line-1','SN-11',NULL,'20261127T143210-7QK4XW',NULL,NULL,'sqZ-v3j3Ig6oEztI.2');
INSERT INTO "ioto_events" VALUES(31,'2026-11-27 19:18:18.635689','allocated','6DFN5VAZNM','01G8YJKKRNTHW213TRZYX3YH0M','twins-0','ann@line-1','twins-0','source given','20261127T143210-7QK4XW',NULL,NULL,'HZMNDKZS5H2i-GEB.0');
INSERT INTO "ioto_events" VALUES(32,'2026-11-27 19:18:18.637368','conflict','6DFN5VAZNM','01G8YJKKRNTHW213TRZYX3YH0M','twins-0','ann@line-1','the-other','twins-0 and the-other both say that they are unit ''twins-0'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.','20261127T143210-7QK4XW',NULL,'mac twins-0','0BDHdrwIJjQDt3RD.0');
INSERT INTO "ioto_events" VALUES(33,'2026-11-27 19:18:18.664806','allocated','WE6GFKPPQ8','01G8YJKKRNTHW213TRZYX3YH0M','twins-1','ann@line-1','twins-1','source given','20261127T143210-7QK4XW',NULL,NULL,'hTGIGIcoEfDTXHB5.0');
INSERT INTO "ioto_events" VALUES(34,'2026-11-27 19:18:18.680822','conflict','WE6GFKPPQ8','01G8YJKKRNTHW213TRZYX3YH0M','twins-1','ann@line-1','the-other','twins-1 and the-other both say that they are unit ''twins-1'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.','20261127T143210-7QK4XW',NULL,'mac twins-1','BQc8C4utR5dugbU4.0');
INSERT INTO "ioto_events" VALUES(35,'2026-11-27 19:18:18.689980','allocated','66FH3YNE13','01G8YJKKRNTHW213TRZYX3YH0M','twins-of-old','ann@line-1','twins-of-old','source given','20261127T143210-7QK4XW',NULL,NULL,'b67qMqIRH9gSwxlJ.0');
INSERT INTO "ioto_events" VALUES(36,'2026-11-27 19:18:18.713756','conflict','66FH3YNE13','01G8YJKKRNTHW213TRZYX3YH0M','twins-of-old','ann@line-1','the-other','twins-of-old and the-other both say that they are unit ''twins-of-old'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.','20261127T143210-7QK4XW',NULL,'mac twins-of-old','cZ2d_T7UB4mK_2Bt.0');
INSERT INTO "ioto_events" VALUES(37,'2026-11-27 19:18:18.725555','resolved',NULL,'01G8YJKKRNTHW213TRZYX3YH0M','twins-1','ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,'seen','wbcTjATlscSdD0Va.0');
INSERT INTO "ioto_events" VALUES(38,'2026-11-27 19:18:18.738117','allocated','M5SD4NA9YS','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-0','ann@line-1','unsettled-0','source given','20261127T143210-7QK4XW',NULL,NULL,'PeNLBTPAli95zgXo.0');
INSERT INTO "ioto_events" VALUES(39,'2026-11-27 19:18:18.754447','written','M5SD4NA9YS','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-0','ann@line-1','unsettled-0',NULL,'20261127T143210-7QK4XW',NULL,NULL,'FuSWfUnLJoZN1v06.0');
INSERT INTO "ioto_events" VALUES(40,'2026-11-27 19:18:18.754447','verified','M5SD4NA9YS','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-0','ann@line-1','unsettled-0',NULL,'20261127T143210-7QK4XW',NULL,NULL,'FuSWfUnLJoZN1v06.1');
INSERT INTO "ioto_events" VALUES(41,'2026-11-27 19:18:18.762440','allocated','YDMKCRE78Y','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-1','ann@line-1','unsettled-1','source given','20261127T143210-7QK4XW',NULL,NULL,'YPz0wcLuDlQ3TAZk.0');
INSERT INTO "ioto_events" VALUES(42,'2026-11-27 19:18:18.764790','written','YDMKCRE78Y','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-1','ann@line-1','unsettled-1',NULL,'20261127T143210-7QK4XW',NULL,NULL,'WNVxw-My8kQBEr0E.0');
INSERT INTO "ioto_events" VALUES(43,'2026-11-27 19:18:18.764790','verified','YDMKCRE78Y','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-1','ann@line-1','unsettled-1',NULL,'20261127T143210-7QK4XW',NULL,NULL,'WNVxw-My8kQBEr0E.1');
INSERT INTO "ioto_events" VALUES(44,'2026-11-27 19:18:18.778177','allocated','GYGSP1W04N','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-of-old','ann@line-1','unsettled-of-old','source given','20261127T143210-7QK4XW',NULL,NULL,'22C0h1h34nwNFWP9.0');
INSERT INTO "ioto_events" VALUES(45,'2026-11-27 19:18:18.780892','written','GYGSP1W04N','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-of-old','ann@line-1','unsettled-of-old',NULL,'20261127T143210-7QK4XW',NULL,NULL,'1tq8FiBAYkL1Kw5N.0');
INSERT INTO "ioto_events" VALUES(46,'2026-11-27 19:18:18.780892','verified','GYGSP1W04N','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-of-old','ann@line-1','unsettled-of-old',NULL,'20261127T143210-7QK4XW',NULL,NULL,'1tq8FiBAYkL1Kw5N.1');
INSERT INTO "ioto_events" VALUES(47,'2026-11-27 19:18:18.791355','allocated','1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled','ann@line-1','twins-unsettled','source given','20261127T143210-7QK4XW',NULL,NULL,'j1oVpmnHF8cHX3OZ.0');
INSERT INTO "ioto_events" VALUES(48,'2026-11-27 19:18:18.792753','written','1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled','ann@line-1','twins-unsettled',NULL,'20261127T143210-7QK4XW',NULL,NULL,'j_5FmZjsnkPBLG3g.0');
INSERT INTO "ioto_events" VALUES(49,'2026-11-27 19:18:18.792753','verified','1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled','ann@line-1','twins-unsettled',NULL,'20261127T143210-7QK4XW',NULL,NULL,'j_5FmZjsnkPBLG3g.1');
INSERT INTO "ioto_events" VALUES(50,'2026-11-27 19:18:18.800819','conflict','1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled','ann@line-1','the-other','twins-unsettled and the-other both say that they are unit ''twins-unsettled'', and one unit is one device: find out which of them is, and give the other its own serial (ioto_serial); name what both say and neither is identified by in ioto_shared_hardware.','20261127T143210-7QK4XW',NULL,'mac twins-unsettled','nDNkOCrgN9m4QxA3.0');
INSERT INTO "ioto_events" VALUES(51,'2026-11-27 19:18:18.804481','retired','66FH3YNE13','01G8YJKKRNTHW213TRZYX3YH0M','twins-of-old','ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,'scrapped','e7SzoxGuP4kTG3k5.0');
INSERT INTO "ioto_events" VALUES(52,'2026-11-27 19:18:18.808859','retired','GYGSP1W04N','01G8YJKKRNTHW213TRZYX3YH0M','unsettled-of-old','ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,'scrapped','8P4gspIxNEqGWiEP.0');
INSERT INTO "ioto_events" VALUES(53,'2026-11-27 19:18:18.817357','reserved','1Y2JA4HXVV','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,NULL,'Jtsefu2wjEPPCr-E.0');
INSERT INTO "ioto_events" VALUES(54,'2026-11-27 19:18:18.817357','reserved','AEA9ZBAAFA','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,NULL,'Jtsefu2wjEPPCr-E.1');
INSERT INTO "ioto_events" VALUES(55,'2026-11-27 19:18:18.817357','reserved','DB91398642','01G8YJKKRNTHW213TRZYX3YH0M',NULL,'ann@line-1','bench',NULL,'20261127T143210-7QK4XW',NULL,NULL,'Jtsefu2wjEPPCr-E.2');
INSERT INTO "ioto_events" VALUES(56,'2026-11-27 19:18:18.820707','imported','JT08FFQXWQ','01G8YJKKRNTHW213TRZYX3YH0M','SN-old','ann@line-1','bench','state labelled','20261127T143210-7QK4XW',NULL,NULL,'vEUN3C3pzDYvK5c7.0');
INSERT INTO "ioto_events" VALUES(57,'2026-11-27 19:18:18.820707','imported','0123456789','01G8YJKKRNTHW213TRZYX3YH0M','SN-doubt','ann@line-1','bench','state verified','20261127T143210-7QK4XW',NULL,NULL,'vEUN3C3pzDYvK5c7.1');
INSERT INTO "ioto_events" VALUES(58,'2026-11-27 19:18:18.828787','run',NULL,NULL,NULL,'ann@line-1','bench','{"started": "2026-11-27T14:32:10+00:00", "devices": 5}','20261127T143210-7QK4XW',NULL,NULL,'FtPn21SUZhMxUVIa.0');
INSERT INTO "ioto_events" VALUES(59,'2026-11-27 19:18:18.838281','allocated','7GBF7698ZA','01G8YJKKRNTHW213TRZYX3YH0M','SN-not-sealed','ann@line-1','SN-not-sealed','source given','20261127T143210-7QK4XW',NULL,NULL,'RTxinvq-vnWGWMwM.0');
CREATE TABLE ioto_ledger (
	version INTEGER NOT NULL, 
	identity TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "ioto_ledger" VALUES(2,'yoKfPjdzZGveSaDS');
CREATE TABLE ioto_open_conflicts (
	event BIGINT NOT NULL, 
	claim_id TEXT, 
	product TEXT, 
	unit TEXT, 
	PRIMARY KEY (event)
);
INSERT INTO "ioto_open_conflicts" VALUES(32,'6DFN5VAZNM','01G8YJKKRNTHW213TRZYX3YH0M','twins-0');
INSERT INTO "ioto_open_conflicts" VALUES(36,'66FH3YNE13','01G8YJKKRNTHW213TRZYX3YH0M','twins-of-old');
INSERT INTO "ioto_open_conflicts" VALUES(50,'1TEM8VHYJQ','01G8YJKKRNTHW213TRZYX3YH0M','twins-unsettled');
CREATE TABLE ioto_seals (
	seq INTEGER NOT NULL, 
	first_event BIGINT NOT NULL, 
	last_event BIGINT NOT NULL, 
	events INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "ioto_seals" VALUES(1,1,58,58,'2026-11-27 19:18:18.831112','d4fef22156d3e627433c3f0eb30c2b74ed401caa1ebe9a3396ea89dee65de59e.cd3eeee2ae03766caa4fbab86e999ccd8255aef3a4f5275d11833f8b92b2fb58fd3c1dd00a96f39204ef9cb3a4d3f8ebadc7e5c5bd0320da7fb043694950e781b00ff179afca627780b0a0e1af8010f2734ae15f022f766cf6e0c60706a881a5bc1afb2c182103ce615d6ab07c4631e82447655f');
CREATE UNIQUE INDEX ioto_claims_live ON ioto_claims (unit, product) WHERE state <> 'retired';
CREATE INDEX ioto_claims_retired ON ioto_claims (unit) WHERE state = 'retired';
CREATE TRIGGER ioto_claims_kept BEFORE DELETE ON ioto_claims FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'a claim is never deleted'); END;
CREATE TRIGGER ioto_claims_fixed BEFORE UPDATE ON ioto_claims FOR EACH ROW WHEN OLD.state = 'retired' OR OLD.claim_id <> NEW.claim_id BEGIN SELECT RAISE(ABORT, 'a retired claim and a claim ID are never changed'); END;
CREATE INDEX ioto_events_at ON ioto_events (at);
CREATE INDEX ioto_events_of_run ON ioto_events (run) WHERE run IS NOT NULL;
CREATE INDEX ioto_events_conflict ON ioto_events (id) WHERE action = 'conflict';
CREATE INDEX ioto_events_run ON ioto_events (id) WHERE action = 'run';
CREATE INDEX ioto_events_unit ON ioto_events (unit);
CREATE INDEX ioto_events_claim ON ioto_events (claim_id) WHERE action <> 'allocated';
CREATE TRIGGER ioto_events_fixed BEFORE UPDATE ON ioto_events FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER ioto_events_kept BEFORE DELETE ON ioto_events FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
CREATE TRIGGER ioto_seals_fixed BEFORE UPDATE ON ioto_seals FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'a seal is never changed'); END;
CREATE TRIGGER ioto_seals_kept BEFORE DELETE ON ioto_seals FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'a seal is never deleted'); END;
CREATE INDEX ioto_open_conflicts_unit ON ioto_open_conflicts (product, unit);
CREATE INDEX ioto_open_conflicts_claim ON ioto_open_conflicts (claim_id, product, unit);
COMMIT;
