-- Calls that a person decides about: each is bound to one task and to exactly its arguments.
CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id),
    agent TEXT NOT NULL,
    tool TEXT NOT NULL,
    call TEXT NOT NULL,        -- a hash of the tool and its arguments
    shown TEXT NOT NULL,       -- the arguments as JSON, as a person sees them
    reason TEXT NOT NULL,      -- why a person is asked
    state TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,  -- until then it can be decided, and then until then it holds
    decided_at TEXT,
    decided_by TEXT,
    note TEXT,
    UNIQUE (task, call)
);

CREATE INDEX approvals_pending ON approvals (expires_at) WHERE state = 'pending';
