-- Calls of tools that must not be made twice for one task: what is `begun` and not `done` when
-- its process ends is unknown, and nobody may repeat it blindly.
CREATE TABLE effects (
    task TEXT NOT NULL REFERENCES tasks (id),
    call TEXT NOT NULL,        -- a hash of the tool and its arguments
    tool TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,  -- that began it
    at TEXT NOT NULL,
    text TEXT,                 -- what it gave
    PRIMARY KEY (task, call)
);

-- What the house put right by itself.
CREATE TABLE recoveries (
    seq INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    note TEXT NOT NULL
);

CREATE INDEX recoveries_by_time ON recoveries (at);

-- Failures in a row of one job, or of one agent asked without a job.
CREATE TABLE incidents (
    subject TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    since TEXT,                -- of the first failure of this row; null: the last end was good
    alerted_at TEXT,           -- of the last alert, this row's or an earlier one's
    task TEXT REFERENCES tasks (id)
);

-- How far a reader of the event log has come.
CREATE TABLE cursors (
    reader TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL
);

INSERT INTO cursors SELECT 'incidents', coalesce(max(seq), 0) FROM events;

-- Whether a job is still busy: without this the answer takes longer with each day of its history.
CREATE INDEX tasks_open_of_job ON tasks (job)
    WHERE job IS NOT NULL AND state IN ('request', 'confirmed');
