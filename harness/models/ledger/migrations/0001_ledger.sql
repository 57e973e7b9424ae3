CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    agent TEXT NOT NULL,
    task TEXT,
    purpose TEXT NOT NULL,
    priority TEXT NOT NULL,
    profile TEXT NOT NULL,
    model TEXT NOT NULL,
    host TEXT NOT NULL,
    why TEXT NOT NULL,
    queue_s REAL NOT NULL,
    load_s REAL NOT NULL,
    prompt_s REAL NOT NULL,
    eval_s REAL NOT NULL,
    first_s REAL,
    total_s REAL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    reused REAL,
    gpu_s REAL NOT NULL,
    money REAL NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX calls_at ON calls (at);
CREATE INDEX calls_open ON calls (run) WHERE outcome = 'open';

CREATE TABLE loads (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    host TEXT NOT NULL,
    model TEXT NOT NULL,
    num_ctx INTEGER NOT NULL,
    seconds REAL NOT NULL,
    evicted TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX loads_at ON loads (at);

CREATE TABLE days (
    day TEXT NOT NULL,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    calls INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    gpu_s REAL NOT NULL,
    load_s REAL NOT NULL,
    money REAL NOT NULL,
    PRIMARY KEY (day, agent, model, outcome)
) STRICT, WITHOUT ROWID;
