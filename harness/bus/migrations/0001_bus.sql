-- Times are ISO-8601 in UTC with milliseconds, so text sorts as time does. Durations are
-- milliseconds. The partial indexes hold what is still under way: they stay small, and the
-- statements on them as fast, when the finals grow to millions.

CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    agent TEXT NOT NULL,
    lane TEXT NOT NULL,
    sender TEXT NOT NULL,
    title TEXT NOT NULL,
    prompt TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    attempt INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    priority TEXT NOT NULL,
    "key" TEXT,
    parent TEXT REFERENCES tasks (id),
    root TEXT NOT NULL,
    job TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    not_before TEXT NOT NULL,
    deadline TEXT,
    timeout INTEGER NOT NULL,
    lease_until TEXT,
    owner TEXT,
    result TEXT,
    error TEXT,
    deliver TEXT NOT NULL,
    callback INTEGER NOT NULL,
    payload TEXT NOT NULL,
    delivered_at TEXT,
    called_back_at TEXT,
    learned_at TEXT,
    budget INTEGER NOT NULL,   -- attempts that the request was given, and each resend gives anew
    failures INTEGER NOT NULL  -- attempts of this budget that failed
);

-- one task for one key, for ever
CREATE UNIQUE INDEX tasks_by_key ON tasks ("key") WHERE "key" IS NOT NULL;
-- the next one to claim: one look for each priority
CREATE INDEX tasks_waiting ON tasks (lane, priority, not_before, id) WHERE state = 'request';
CREATE INDEX tasks_deadline ON tasks (deadline) WHERE state = 'request' AND deadline IS NOT NULL;
CREATE INDEX tasks_held ON tasks (lane, lease_until) WHERE state = 'confirmed';
CREATE INDEX tasks_dead ON tasks (lane) WHERE state = 'dead';
-- lists, newest first: an id starts with its time
CREATE INDEX tasks_of_agent ON tasks (agent, id);
CREATE INDEX tasks_of_job ON tasks (job, id) WHERE job IS NOT NULL;
CREATE INDEX tasks_of_parent ON tasks (parent, id) WHERE parent IS NOT NULL;
-- what is still owed after the end
CREATE INDEX tasks_owed_delivery ON tasks (id)
    WHERE delivered_at IS NULL AND state = 'final' AND deliver <> '[]';
CREATE INDEX tasks_owed_callback ON tasks (id)
    WHERE called_back_at IS NULL AND callback AND state IN ('final', 'dead');
CREATE INDEX tasks_owed_learning ON tasks (id)
    WHERE learned_at IS NULL AND state IN ('final', 'dead');

-- how many tasks of a lane are final: counting a million of them takes too long
CREATE TABLE finals (
    lane TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
);

CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id),
    state TEXT NOT NULL,
    outcome TEXT,
    attempt INTEGER NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    note TEXT
);

-- also sees to it that there is exactly one final, whatever the program does: finals share a 0
CREATE UNIQUE INDEX events_of_task ON events (task, CASE state WHEN 'final' THEN 0 ELSE seq END);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TABLE notes (
    id INTEGER NOT NULL PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id),
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    at TEXT NOT NULL,
    attempt INTEGER  -- that read it; null: none so far
);

CREATE INDEX notes_of_task ON notes (task);
CREATE INDEX notes_unread ON notes (id) WHERE attempt IS NULL;

CREATE TABLE slots (
    job TEXT NOT NULL,
    slot TEXT NOT NULL,
    status TEXT NOT NULL,
    fired_at TEXT NOT NULL,
    lateness INTEGER NOT NULL,
    task TEXT REFERENCES tasks (id),
    note TEXT,
    PRIMARY KEY (job, slot)
);

CREATE INDEX slots_by_time ON slots (slot);

CREATE TABLE jobs (
    job TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    since TEXT NOT NULL,
    paused INTEGER NOT NULL
);

CREATE TABLE deliveries (
    task TEXT NOT NULL REFERENCES tasks (id),
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (task, channel)
);
