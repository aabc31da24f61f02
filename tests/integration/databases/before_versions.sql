BEGIN TRANSACTION;
CREATE TABLE attempts (
	work_id TEXT NOT NULL, 
	step TEXT NOT NULL, 
	begun INTEGER NOT NULL, 
	PRIMARY KEY (work_id, step)
);
INSERT INTO "attempts" VALUES('link:T1:C1:2','track',1);
CREATE TABLE channels (
	team TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	auto BOOLEAN NOT NULL, 
	PRIMARY KEY (team, channel)
);
INSERT INTO "channels" VALUES('T1','C1',0);
CREATE TABLE inbox (
	"key" TEXT NOT NULL, 
	payload JSON NOT NULL, 
	received_at FLOAT NOT NULL, 
	handled_at FLOAT, 
	PRIMARY KEY ("key")
);
INSERT INTO "inbox" VALUES('event:1','{"type": "event_callback"}',1.79566034990232729906e+09,NULL);
CREATE TABLE jobs (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	asker TEXT NOT NULL, 
	thread_ts TEXT NOT NULL, 
	request JSON NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	facts JSON NOT NULL, 
	error JSON, 
	tracks_key TEXT, 
	result_key TEXT, 
	cancelled_by TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "jobs" VALUES(1,'link:T1:C1:1','T1','C1','U1','','{"source": {"kind": "link", "ref": "https://example.org/street.mp4", "name": "street.mp4", "generation": ""}, "team": "T1", "channel": "C1", "user": "U1", "thread_ts": "", "options": {"engine": null, "segment": null, "min_confidence": 0.7, "min_frames": 10, "labels": []}, "kind": "track", "parent": "", "page": 0, "first": 0, "annotations": "", "annotations_generation": ""}','done',1,'{"next_first": 11}',NULL,'abc','def','',1764100000.0,1.79566034989045381544e+09);
INSERT INTO "jobs" VALUES(2,'link:T1:C1:2','T1','C1','U1','','{"source": {"kind": "link", "ref": "https://example.org/harbour.mp4", "name": "harbour.mp4", "generation": ""}, "team": "T1", "channel": "C1", "user": "U1", "thread_ts": "", "options": {"engine": null, "segment": null, "min_confidence": 0.7, "min_frames": 10, "labels": []}, "kind": "track", "parent": "", "page": 0, "first": 0, "annotations": "", "annotations_generation": ""}','tracking',1,'{}',NULL,NULL,NULL,'',1764100100.0,1.79566034989431762692e+09);
CREATE TABLE own_files (
	file_id TEXT NOT NULL, 
	job_id TEXT, 
	PRIMARY KEY (file_id)
);
INSERT INTO "own_files" VALUES('F1','link:T1:C1:1');
CREATE TABLE own_objects (
	uri TEXT NOT NULL, 
	job_id TEXT, 
	PRIMARY KEY (uri)
);
INSERT INTO "own_objects" VALUES('gs://objects/videos/street.mp4.summary_pct70_fr10.jpeg','link:T1:C1:1');
CREATE TABLE posts (
	job_id TEXT NOT NULL, 
	part TEXT NOT NULL, 
	file_ids JSON NOT NULL, 
	ts TEXT NOT NULL, 
	PRIMARY KEY (job_id, part)
);
INSERT INTO "posts" VALUES('link:T1:C1:1','summary','["F1"]','1764100050.000100');
CREATE TABLE watches (
	team TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	bucket TEXT NOT NULL, 
	prefix TEXT NOT NULL, 
	asker TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (team, channel, bucket, prefix)
);
INSERT INTO "watches" VALUES('T1','C1','videos','cameras/','U1',1.79566034991682505614e+09);
CREATE INDEX jobs_by_asker ON jobs (team, asker, number);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_result ON jobs (result_key);
CREATE INDEX jobs_by_tracks ON jobs (tracks_key);
COMMIT;
