"""The shapes of credentials, vendor by vendor, as patterns that Python's `re` and RE2 (DuckDB) read alike.

Not a library's: of the 55 keys of `tests/schemas/test_key_like.py` detect-secrets 1.5 knows 20, hardly one of a model
vendor's, it takes two of the harmless strings for keys, and the contracts count in DuckDB, which half of its patterns
are none for.
"""

from cotfactory.schemas.secrets import MASKED_IN_CHAIN

TOKEN_SHAPES: tuple[str, ...] = (
    # Model vendors
    r"\bsk-[A-Za-z0-9]{20,}",  # OpenAI's old keys, and those of most compatible endpoints
    r"\bsk-(?:proj|svcacct|service|admin|ant|or|lf|kimi|cp)-[A-Za-z0-9_-]{20,}",
    r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}",
    r"\b(?:gsk|r8|fw|jina|pcsk|ntn)_[A-Za-z0-9_]{22,}",  # Groq, Replicate, Fireworks, Jina, Pinecone, Notion
    r"\b(?:xai|nvapi|pplx|csk|tvly)-[A-Za-z0-9_-]{24,}",  # xAI, NVIDIA, Perplexity, Cerebras, Tavily
    r"\b(?:tgp_v1|wandb_v1|lsv2_pt|lsv2_sk|esecret)_[A-Za-z0-9_-]{24,}",  # Together, W&B, LangSmith, Anyscale
    r"\bpa-[A-Za-z0-9_-]{43}",  # Voyage
    # Code and packages
    r"\bgh[pousr]_[A-Za-z0-9]{36,}",
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-[A-Za-z0-9_-]{20,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\brubygems_[0-9a-f]{48}",
    r"\bdckr_[po]at_[A-Za-z0-9_-]{20,}",
    r"\bAKCp[A-Za-z0-9]{60,}",  # Artifactory
    r"\boy2[a-z0-9]{43}\b",  # NuGet
    r"\bATATT3[A-Za-z0-9_=-]{40,}",  # Atlassian
    r"\blin_api_[A-Za-z0-9]{30,}",
    r"\bfigd_[A-Za-z0-9_-]{36,}",
    r"\bsntry[su]_[A-Za-z0-9_+/=-]{40,}",
    r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    # Clouds
    r"\bAIza[A-Za-z0-9_-]{35}",  # Google
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bGOCSPX-[A-Za-z0-9_-]{24,}",
    r"\b1//0[A-Za-z0-9_-]{40,}",
    r"\bABSK[A-Za-z0-9+/]{60,}",  # AWS Bedrock
    r"\bLTAI[A-Za-z0-9]{12,24}\b",  # Alibaba
    r"\bAKID[A-Za-z0-9]{28,36}\b",  # Tencent
    r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}",  # Azure storage and service bus
    r"\b[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",  # Azure client secret
    r"\b[A-Za-z0-9]{48,}JQQJ99[A-Za-z0-9]{20,}",  # Azure AI
    r"\bdo[opr]_v1_[0-9a-f]{60,}",  # DigitalOcean
    r"\bHRKU-[A-Za-z0-9_-]{30,}",
    r"\bnfp_[A-Za-z0-9]{36,}",
    r"\bsb(?:p|_secret)_[A-Za-z0-9_-]{24,}",  # Supabase
    r"\bpscale_[a-z]{2,5}_[A-Za-z0-9_.-]{32,}",
    r"\bdapi[0-9a-f]{32}",  # Databricks
    r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}",  # Vault
    r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",  # Terraform
    r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}",  # Doppler
    r"\bgl(?:sa|c)_[A-Za-z0-9_+/=]{30,}",  # Grafana
    r"\bNRAK-[A-Z0-9]{27}",  # New Relic
    r"\btskey-[a-z]{3,10}-[A-Za-z0-9-]{20,}",  # Tailscale
    r"\bfm2_[A-Za-z0-9+/=]{60,}",  # Fly
    # Money, mail and messages
    r"\b[rs]k_(?:live|test|prod|org)_[A-Za-z0-9]{16,}",  # Stripe
    r"\bwhsec_[A-Za-z0-9+/=]{24,}",
    r"\bsq0(?:csp|atp)-[A-Za-z0-9_-]{22,}",  # Square
    r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",  # SendGrid
    r"\b(?:SK|AC)[0-9a-f]{32}\b",  # Twilio
    r"\bkey-[0-9a-f]{32}\b",  # Mailgun
    r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",  # Mailchimp
    r"\bxkeysib-[0-9a-f]{60,}",  # Brevo
    r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}",  # Slack
    r"\bxapp-[0-9]-[A-Za-z0-9-]{20,}",
    r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9_]{8,}/[A-Za-z0-9_]{8,}/[A-Za-z0-9_]{16,}",
    r"\bdiscord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{40,}",
    r"\b[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",  # Discord
    r"\b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b",  # Telegram
    r"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}",  # Firebase
    # Anybody's
    r"\beyJ[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON web token
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
)
"""What a vendor gives its own form, long enough not to be a word.

One without any digit (`sk-xxxxxxxxxxxxxxxxxxxxxxxx`) is a placeholder.
"""

FIXED_SHAPES: tuple[str, ...] = (
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY",
    r"\bPuTTY-User-Key-File-[23]",
    MASKED_IN_CHAIN,
)
"""What is a credential as it stands."""

NAMED_SHAPES: tuple[str, ...] = (
    r"(?i:bearer|authorization:? ?(?:basic|token))[ :]{1,3}[\"']?([A-Za-z0-9._~+/=-]{20,})",
    r"(?i:api[_-]?key|access[_-]?key|account[_-]?key|secret[_-]?key|client[_-]?secret|secret|passwd|password|token)"
    r"[\"']?[ ]{0,2}(?:=|:|=>|:=)[ ]{0,2}[\"']?([A-Za-z0-9_/+=~-]{20,})",
)
"""What is a credential by the name before it; group 1 is the value, which must look random."""

URL_SHAPE = r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/?#@\[\]\"'<>]{0,64}:([^\s:/?#@\[\]\"'<>]{3,128})@[A-Za-z0-9\[]"
"""An address with a password in it, group 1: `postgres://admin:...@db.example.com`."""

PLACEHOLDER = (
    r"^(?i:(?:your|my|the|some|a|db|user|new)?[_-]?(?:password|passwd|pass|passphrase|pwd|pw|secret|token|key|user|"
    r"username|name|admin|root|test|guest|changeme|example|postgres|mysql|redis|port|host|x+|\*+|\.+)"
    r"[_-]?(?:here|123)?|[$%{].*)$"
)
"""A password in an address that is none."""
