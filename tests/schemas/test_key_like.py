"""What looks like a credential is found, by Python and by DuckDB alike; what only resembles one is not."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.key_like import count_key_like, key_like_sql

# Put together here, so that no scanner takes this file for a leak.
LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
LONG = LETTERS + "z" + LETTERS[::-1]
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
KEYS = [
    "OPENAI_API_KEY=sk-" + LETTERS,  # a name and a shape: one key
    "sk-" + LETTERS,
    "sk-proj-" + LETTERS[:20] + "_x-Y7",
    "sk-svcacct-" + LETTERS,
    "sk-ant-api03-" + LETTERS,
    "sk-or-v1-" + HEX * 2,
    "hf_" + LETTERS + "Zz",
    "api_org_" + LETTERS + "Zz",
    "gsk_" + LONG[:52],
    "nvapi-" + LONG,
    "xai-" + LONG + LETTERS[:15],
    "pplx-" + LONG[:48],
    "fw_" + LETTERS[:24],
    "r8_" + LONG[:37],
    "csk-" + LONG[:48],
    "tgp_v1_" + LONG[:43],
    "lsv2_pt_" + HEX + "_0123456789",
    "ghp_" + LETTERS + "ABCD",
    "gho_" + LETTERS + "ABCD",
    "github_pat_" + LETTERS,
    "glpat-" + LETTERS[:22],
    "npm_" + LETTERS + "AbCd",
    "pypi-" + "AgEIcHlwaS5vcmc" + LONG,
    "rubygems_" + HEX + HEX[:16],
    "dckr_pat_" + LETTERS[:27],
    "dop_v1_" + HEX * 2,
    "AKIA" + "IOSFODNN7EXAMPL3",
    "ASIA" + "IOSFODNN7EXAMPL3",
    'aws_secret_access_key = "' + LETTERS + "/+Ab4xYz" + '"',
    "AIza" + LETTERS + "abc",
    "ya29." + LONG,
    "GOCSPX-" + LETTERS[:28],
    "AccountKey=" + LONG + LETTERS[:21] + "==",
    "aB3" + "8Q~" + LETTERS + "_-",  # an Azure client secret
    "AZURE_OPENAI_API_KEY=" + HEX,
    "sk_live_" + LETTERS[:24],
    "rk_live_" + LETTERS[:24],
    "SG." + LETTERS[:22] + "." + LONG[:43],
    "SK" + HEX,
    "xoxb-" + "1234567890-" + LETTERS[:20],
    "xapp-1-" + "A0123456789-1234567890123-" + HEX * 2,
    "https://hooks.slack.com/services/" + "T0A1B2C3D/B4E5F6G7H/" + LETTERS[:24],
    "M" + LETTERS[:23] + "." + LETTERS[:6] + "." + LETTERS[:27],
    "1234567890:" + "AA" + LETTERS + "z",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + LETTERS,
    "postgres://admin:" + "S3cr3t" + "@db.example.com:5432/prod",
    "mongodb+srv://app:" + "correct-horse" + "@cluster0.abcde.mongodb.net",
    "redis://:" + "hunter22" + "@10.0.0.7:6379/0",
    "Authorization: Bearer " + LETTERS,
    'password = "' + LETTERS[:24] + '"',
    "shpat_" + HEX,
    "dapi" + HEX,
    "hvs." + LETTERS,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----",
]
HARMLESS = [
    "a task-oriented answer, a risk-adjusted-rate-of-return-in-2024-for-session-workers",
    r"\sk-1 \mathsf{hf}_{n} \begin{aligned} x_{sk-1} &= 2 \end{aligned}",
    "sk-" + "x" * 40,  # a placeholder has no digit
    "sk-learn-is-not-a-key-though-it-has-17-parts",
    "hf_hub_download(repo_id, revision)",
    "c2stcHJvai1hYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==",  # base64 of a key: no longer one
    "QUtJQU" + "AKIA" * 9,  # within a longer run of letters
    "the AKIA prefix, gho_ and ghp_ tokens, xox- strings",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "commit " + HEX + HEX[:8],  # a git commit: no name of a secret before it
    "sha256:" + HEX * 2,
    "md5 = " + HEX,
    "123e4567-e89b-12d3-a456-426614174000",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
    'api_key = os.environ["OPENAI_API_KEY"]',
    'api_key="your-api-key-goes-here-1234"',
    "Authorization: Bearer $OPENAI_API_KEY",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE",
    "The bearer of the internationalisation2counterrevolutionary3 message",
    "postgres://user:password@localhost:5432/db",
    "postgresql://$USER:$PASSWORD@db/prod",
    "redis://localhost:6379/0",
    "git clone https://github.com/org/repo.git@v1.2.3 and git@github.com:org/repo.git",
    "http://example.com:8080/path@2x.png",
    "the ratio 123456789:987654321 and 12:30:45",
    "npm_config_registry_for_private_packages_2",
    "get_access_token_from_refresh_token_v2(session_identifier_2)",
    "tokenizer = AutoTokenizerForSequenceClassification2.from_pretrained(name)",
    "token = AutoTokenizerForSequenceClassification2.from_pretrained(name)",
    "password: correcthorsebatterystaple",
    "SG.2 and eyJ.x, NO.12345 or M.Sc.",
    "3.14159265358979323846264338327950288419716939937510582097494459",
    "ACGTACGTACGTTGCAACGTACGTACGTTGCA",
    "f(x)=ax^2+bx+c;g(x)=2ax+b;h(x)=2a;k(x)=0",
    "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6",
]
fragments = st.sampled_from(
    [
        *KEYS,
        *HARMLESS,
        " ",
        "\n",
        "=",
        "a",
        "_",
        "-",
        "é",
        "sk-",
        "hf_",
        "AKIA",
        "1" * 20,
        "token=",
        "Bearer ",
        "://a:",
        "@b",
        "eyJ",
    ]
)


def count_in_duckdb(text: str) -> int:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE texts (body VARCHAR)")
        connection.execute("INSERT INTO texts VALUES (?)", [text])
        return int(connection.sql(f"SELECT {key_like_sql('body')} FROM texts").fetchall()[0][0])


@pytest.mark.parametrize("key", KEYS)
def test_key_is_found_wherever_it_stands(key: str) -> None:
    for text in (key, f"export MY={key}\n", f"use `{key}`, please", f"first line\n{key}"):
        assert count_key_like(text) == 1, text
        assert count_in_duckdb(text) == 1, text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_a_key_is_no_alarm(text: str) -> None:
    assert count_key_like(text) == 0
    assert count_in_duckdb(text) == 0


@given(st.lists(fragments, max_size=8).map("".join))
def test_python_and_duckdb_agree(text: str) -> None:
    assert count_key_like(text) == count_in_duckdb(text)
