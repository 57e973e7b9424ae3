"""Two tables: secrets as they stand in the wild, and everyday texts that must stay as they are."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from urllib.parse import quote

import pytest

from harness.text.secrets import MASK, Redactor

A, D, H = "aB3dE6gH9jK2mN5pQ8sT", "0123456789", "0a1b2c3d4e5f6789"
LONG = A * 3
HEX32, HEX64 = H * 2, H * 4
KNOWN = 'pa$s/wörd "of+mine" 7\\x'
PEM = "-----BEGIN {0}-----\nb3BlbnNzaC1rZXktdjEA{1}\n-----END {0}-----"

SHAPED = {  # what it is: (a text, what of it must not come through)
    "aws key id": ("id AKIA" + "ABCDEFGH23456789 used", "ABCDEFGH23456789"),
    "aws session id": ("ASIA" + "ABCDEFGH23456789", "ABCDEFGH23456789"),
    "aws secret": (f"aws_secret_access_key = {A}/{A}", A),
    "aws signature": (f"https://s3.example/x?X-Amz-Signature={HEX64}&a=1", HEX64),
    "github classic": (f"ghp_{A}{A[:16]}", A),
    "github server": (f"see ghs_{A}{A[:16]}.", A),
    "github fine-grained": (f"github_pat_{A}_{LONG}", LONG),
    "gitlab": (f"glpat-{A}", A),
    "gitlab routable": (f"glpat-{A}.01.{A[:9]}", A[:9]),
    "gitlab runner": (f"glrt-{A}", A),
    "slack bot": (f"xoxb-{D}-{D}-{A}", A),
    "slack rotating": (f"xoxe.xoxp-1-{LONG}", LONG),
    "slack app": (f"xapp-1-A1-{D}-{A}", A),
    "slack webhook": (f"https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/{A}", A),
    "stripe": ("sk_" + f"live_{A}", A),
    "stripe webhook": (f"whsec_{LONG}", LONG),
    "google api": (f"AIzaSy{A}{A[:13]}", A),
    "google access": (f"ya29.{A}", A),
    "google client": (f"GOCSPX-{A}aaaaaaaa", A),
    "openai": (f"sk-{A}T3BlbkFJ{A}", A),
    "openai project": (f"sk-proj-{A}-{A}_{A}", A),
    "anthropic": (f"sk-ant-api03-{LONG}-AA", A),
    "openrouter": (f"sk-or-v1-{HEX64}", HEX64),
    "hugging face": (f"hf_{A}{A[:14]}", A),
    "groq": (f"gsk_{LONG}", LONG),
    "tavily": (f"tvly-dev-{A}", A),
    "npm": (f"//registry.npmjs.org/:_authToken=npm_{A}{A[:16]}", A),
    "pypi": (f"pypi-AgEIcHlwaS5vcmc{LONG}", LONG),
    "docker hub": (f"dckr_pat_{A}aaaaaaa", A),
    "sendgrid": (f"SG.{A}.{LONG}", A),
    "telegram": (f"12345678:AAE{A}{A[:14]}", A),
    "telegram url": (f"https://api.telegram.org/bot1234567890:AAE{A}{A[:14]}/sendMessage", A),
    "discord webhook": (f"https://discord.com/api/webhooks/123456789012345678/{LONG}_-x", A),
    "discord bot": (f"MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.{A}{A[:18]}", A),
    "teams webhook": (f"https://x.webhook.office.com/webhookb2/{HEX32}@{HEX32}/Incoming", HEX32),
    "ntfy topic": ("curl -d hi https://ntfy.sh/alice-alarm-7Qx2", "alice-alarm-7Qx2"),
    "ntfy token": ("tk_" + "agqdq7mvbofd37zqvvdrpd1lts4kf", "agqdq7mvbofd37zqvvdrpd1lts4kf"),
    "twilio key": (f"SK{HEX32}", HEX32),
    "twilio token": (f"TWILIO_AUTH_TOKEN={HEX32}", HEX32),
    "mailgun": (f"key-{HEX32}", HEX32),
    "brevo": (f"xkeysib-{HEX64}-{A}", HEX64),
    "digitalocean": (f"dop_v1_{HEX64}", HEX64),
    "azure connection": (
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={LONG}==;EndpointSuffix=x",
        LONG,
    ),
    "azure bus": (f"Endpoint=sb://a/;SharedAccessKeyName=root;SharedAccessKey={LONG}=", LONG),
    "azure sas": (f"https://a.blob.example/c?sv=2022&sp=r&sig={A}%2B{A}%3D&se=1", A),
    "azure application": (f"abc8Q~{A}{A[:14]}", A),
    "databricks": (f"dapi{HEX32}", HEX32),
    "vault": (f"hvs.{LONG}", LONG),
    "shopify": (f"shpat_{HEX32}", HEX32),
    "age": ("AGE-SECRET-" + f"KEY-1{'QPZRY9X8GF' * 5}", "QPZRY9X8GF"),
    "jwt": (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{A}.{A}", A),
    "jwt on a new line": (f"first\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{A}.{A}", A),
    "pem rsa": (PEM.format("RSA PRIVATE KEY", LONG), LONG),
    "pem openssh": (PEM.format("OPENSSH PRIVATE KEY", LONG), LONG),
    "pem in one line": (PEM.format("PRIVATE KEY", LONG).replace("\n", "\\n"), LONG),
    "pem without an end": (PEM.format("EC PRIVATE KEY", LONG)[:80], A),
    "pgp": (PEM.format("PGP PRIVATE KEY BLOCK", LONG), LONG),
}
NAMED = {
    "basic auth url": (f"https://alice:{A}@example.org/x", A),
    "database url": (f"postgresql://app:{A}@db:5432/x", A),
    "token as user": (f"git clone https://{A}@example.org/x.git", A),
    "bearer": (f"authorization: bearer {A}", A),
    "bearer alone": (f'-H "Bearer {A}"', A),
    "basic header": ("Authorization: Basic YWxpY2U6aHVudGVyMg==", "YWxpY2U6aHVudGVyMg"),
    "basic alone": ("sent Basic YWxpY2U6aHVudGVyMg==", "YWxpY2U6aHVudGVyMg"),
    "cookie": (f"Cookie: theme=dark; sid={A}", A),
    "set-cookie": (f"Set-Cookie: a={A}; Path=/; HttpOnly", A),
    "session cookie": (f"PHPSESSID={A}", A),
    "yaml": ("smtp:\n  password: hunter2\n  port: 25", "hunter2"),
    "yaml block": ("private_key: |\n  first-line-of-it\n  second-line\nport: 25", "second-line"),
    "yaml next line": ("password:\n    hunter2", "hunter2"),
    "yaml in quotes": ("api_key: 'hunter2 x'", "hunter2"),
    "yaml list": ("- passphrase: correct horse battery", "battery"),
    "json": ('{"db": {"password": "hunter2", "port": 5}}', "hunter2"),
    "json in json": (json.dumps({"text": '{"password": "hunter2"}'}), "hunter2"),
    "json mapping": ('{"credentials": {"user": "a", "pass": "hunter2"}}', "hunter2"),
    "pretty json": ('{\n  "clientSecret" : "hunter2"\n}', "hunter2"),
    "name and value": ('{"name": "DB_PASSWORD", "value": "hunter2"}', "hunter2"),
    "name and value in yaml": ("- name: DB_PASSWORD\n  value: hunter2", "hunter2"),
    "toml": ('api-key = "hunter2"', "hunter2"),
    "ini": ("[smtp]\npassword = hunter twothousand\nport=25", "twothousand"),
    "env": ("export DB_PASS=hunter2", "hunter2"),
    "env of github": ("GITHUB_PAT=hunter2", "hunter2"),
    "flag": ("run --password hunter2 --fast", "hunter2"),
    "flag with sign": ("run --api-key=hunter2", "hunter2"),
    "flag in a list": ('["run", "--password", "hunter2"]', "hunter2"),
    "curl": ("curl -u alice:hunter2 https://example.org", "hunter2"),
    "curl in quotes": ("curl --user 'alice:hunter2' x", "hunter2"),
    "query": ("GET /x?access_token=hunter2&page=2", "hunter2"),
    "python": ("connect(password='hunter2', port=5)", "hunter2"),
    "repr": ("{'token': 'hunter2'}", "hunter2"),
    "xml": ("<user>a</user><password>hunter2</password>", "hunter2"),
    "netrc": ("machine example.org login alice password hunter2", "hunter2"),
    "sql": ("ALTER USER a IDENTIFIED BY 'hunter2'", "hunter2"),
    "said": ("My password is hunter2, do not tell.", "hunter2"),
    "said in german": ("Das Passwort ist hunter2.", "hunter2"),
    "said with a colon": ("the password: hunter2 opens it", "hunter2"),
    "in csv": ("token;hunter2;x\napi_token=hunter2", "api_token=hunter2"),
}
WHOLE_LINES = {
    "yaml of words": ("password: correct horse battery staple\nport: 25", "battery"),
    "item of words": ("- password: correct horse battery staple", "battery"),
    "ini of words": ("password = correct horse battery", "battery"),
}
CODED = {
    "as it is": KNOWN,
    "base64": b64encode(KNOWN.encode()).decode(),
    "base64 for urls": urlsafe_b64encode(KNOWN.encode()).decode(),
    "base64 behind one letter": b64encode(b"u" + KNOWN.encode()).decode(),
    "base64 behind a user": b64encode(b"alice:" + KNOWN.encode() + b"more").decode(),
    "url": quote(KNOWN, safe=""),
    "form": quote(KNOWN).replace("%20", "+"),
    "json": json.dumps(KNOWN, ensure_ascii=False),
    "json in ascii": json.dumps(KNOWN),
    "json twice": json.dumps(json.dumps(KNOWN)),
    "repr": repr(KNOWN),
    "html": escape(KNOWN),
    "hex": KNOWN.encode().hex(),
    "soft hyphen": KNOWN[:5] + "\u00ad" + KNOWN[5:],
    "zero width": "\u200b".join(KNOWN),
    "joined": KNOWN[:9] + "\u2060\ufeff" + KNOWN[9:],
}

BENIGN = """
A token costs 0.3 cents, and a session 200,000 of them.
The password manager was updated; nobody has to change a password.
Secrets of good soup: time, and salt.
The secret is out: Zürich is rainy.
The secret: it is simple.
The token is invalid, ask for a new one.
The password is required.
The password was changed yesterday by the administrator.
Tokens: 512 in, 43 out (first_token: 2m, per_token=3ms)
max_tokens=4096, token_count: 12, prompt_tokens: 900
tokenizer: qwen, tokenization: fast
Bearer bonds rose by 2 %, bearer instruments fell.
The key: idempotency. Keys: [1, 2], keyboard: de, monkey=banana
Key takeaways: models get cheaper.
Basic understanding of transformers is enough; basic internationalization too.
A cookie with the tea; cookies are baked at 180 °C.
We authorized the transfer, see authorization form 7.
Session 12 begins at 09:00; session: morning
password_length: 12, password_policy: strong, secret_name: db
PASSWORD_FILE=/run/secrets/db
PWD=/home/alice, OLDPWD=/home/alice/crew
password: null
"password": false
secret: ${DB_SECRET}
password: {{ vault.db }}
api_key: {env: HOSTED_KEY}
api_key: {file: /run/secrets/key}
export TOKEN=$OTHER_TOKEN
curl -H "X-Api-Key: $API_KEY" https://example.org
curl https://example.org -u $USER
docker run -u 1000:1000 -v /a:/b image
def login(user: str, password: str) -> bool:
token = get_token()
api_key = os.environ["API_KEY"]
password = getpass("Password? ")
if token == expected: return
const token = process.env.TOKEN;
<password>...</password>
usage: tool --token <token> --password <password>
use --token TOKEN, or --help
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  file.tar.gz
commit f0cb28c3a1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7
md5 d41d8cd98f00b204e9800998ecf8427e
id 550e8400-e29b-41d4-a716-446655440000
task 01JD3V7N0B6T3V8Z4Y2Q5M1K9P took 3 s
arXiv:2401.01234v2, doi:10.1038/s41586-020-2649-2, ISBN 978-3-16-148410-0
https://arxiv.org/abs/2401.01234
https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s
https://example.org/a/b?page=2&q=sk-learn#top
https://example.org:8080/x, ssh://git@github.com/x/y.git, git@github.com:x/y.git
https://www.example.sk/sk-novinky-o-umelej-inteligencii-a-robotoch
https://github.com/org/repo/pull/123/files#diff-0a1b2c3d
https://ntfy.sh/docs/publish, https://hooks.slack.com/services, https://discord.com/channels/1/2
https://docs.example.org/api/webhooks/events
mailto:alice@example.org, alice+news@example.org
Alice <alice@example.org> wrote at 12:30: it works.
The price is $1,299.00 (was 1.499,00 €), +3.2 % since 2026-01-05.
C:\\temp\\keys, /etc/ssl/private, ~/.ssh/id_ed25519.pub
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mK9L2b7V1qzT8nQy0Z alice@laptop
-----BEGIN PUBLIC KEY-----
-----BEGIN CERTIFICATE-----
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
SELECT id, name FROM users WHERE token_type = 'x' ORDER BY 1
a risk-adjusted-return-of-the-portfolio, a task-oriented-dialogue-system-of-2026
for key, value in pairs: print(key, value)
{"name": "limit", "value": 5}
{"model": "qwen3:8b", "tokens": {"prompt": 900, "completion": 40}, "outcome": "done"}
HTTP 401 Unauthorized: the key was not accepted; set TAVILY_API_KEY
1. [A model](https://example.org/a) was released. 2. [It](https://example.org/b) passes.
emoji 👩‍👩‍👧 and Persian می‌خواهم stay, as do soft\u00adhyphens
bypass=1, compass: north, passage: 4, first pass: 3, boarding pass
path=/usr/bin, pattern: [a-z]+, patch: 2
the 3rd pass: 4 of 5, author: Jane Roe, authority: x
""".strip().splitlines()

ROWS = {**SHAPED, **NAMED}


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(ROWS) + len(CODED) >= 100
    assert len(BENIGN) >= 70


@pytest.mark.parametrize(("text", "canary"), ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("frame", ["{}", "so: {}", "a line\n{}\nanother", "({})"])
def test_a_secret_is_left_out(text: str, canary: str, frame: str) -> None:
    redactor, framed = Redactor(), frame.replace("{}", text)

    clean = redactor.text(framed)

    assert canary not in clean
    assert MASK in clean
    assert redactor.text(clean) == clean
    assert redactor.suspects(json.dumps(framed, ensure_ascii=False))
    assert canary not in json.dumps(redactor.value({"text": [framed]}), ensure_ascii=False)


@pytest.mark.parametrize(("text", "canary"), WHOLE_LINES.values(), ids=WHOLE_LINES)
def test_a_password_of_several_words_is_left_out_whole(text: str, canary: str) -> None:
    assert canary not in Redactor().text(f"a line\n  {text}\nanother")


@pytest.mark.parametrize("text", CODED.values(), ids=CODED)
def test_a_known_value_is_left_out_in_every_form(text: str) -> None:
    redactor = Redactor([KNOWN])
    framed = f"begin {text} end"

    clean = redactor.text(framed)

    assert MASK in clean
    assert len(clean) < len(f"begin {MASK} end") + 20
    assert redactor.text(clean) == clean
    assert redactor.suspects(json.dumps(framed, ensure_ascii=False))


@pytest.mark.parametrize("text", BENIGN)
def test_an_everyday_text_stays_as_it_is(text: str) -> None:
    assert Redactor([KNOWN]).text(text) == text


@pytest.mark.parametrize(("text", "canary"), ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u2060\ufeff"])
def test_a_secret_behind_unseen_characters_is_left_out(text: str, canary: str, unseen: str) -> None:
    middle = text.index(canary) + len(canary) // 2
    hidden = text[:middle] + unseen + text[middle:]
    redactor = Redactor()

    clean = redactor.text(hidden)

    assert MASK in clean
    assert canary[len(canary) // 2 :] not in clean
    assert redactor.text(clean) == clean
    assert redactor.suspects(json.dumps(hidden, ensure_ascii=False))


def test_what_follows_a_flag_in_a_list_is_left_out() -> None:
    command = ["login", "--password", "hunter2", "-u", "alice:hunter2", "--page", "2"]

    assert Redactor().value(command) == ["login", "--password", MASK, "-u", MASK, "--page", "2"]


def test_the_value_beside_a_secret_name_is_left_out() -> None:
    rows = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "page", "value": "2"}]

    assert Redactor().value(rows) == [
        {"name": "DB_PASSWORD", "value": MASK},
        {"name": "page", "value": "2"},
    ]
