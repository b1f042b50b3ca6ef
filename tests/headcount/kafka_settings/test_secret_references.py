"""References: a secret is read from where it is kept, or the error names what is missing."""

from pathlib import Path

import pytest

from headcount.errors import UsageError
from headcount.kafka_settings import config_file
from tests.headcount.kafka_settings.test_config_file import LOGIN, SECRET, written


def test_secrets_can_be_kept_elsewhere(tmp_path: Path) -> None:
    """In the environment, another properties file, or a folder with a file for each."""
    (tmp_path / "password").write_text(SECRET + "\n")
    (tmp_path / "secrets.properties").write_text(f"pw={SECRET}\n")
    for reference in (
        "${env:KAFKA_PASSWORD}",
        f"${{file:{tmp_path}/secrets.properties:pw}}",
        f"${{directory:{tmp_path}:password}}",
    ):
        path = written(tmp_path, LOGIN.replace(SECRET, reference))
        settings = config_file.load(path, environ={"KAFKA_PASSWORD": SECRET})
        assert settings.secrets == (SECRET,)
        path.chmod(0o644)
        assert path not in config_file.readable_by_others(path)


def test_a_file_may_declare_its_providers(tmp_path: Path) -> None:
    """By names of its own, as Java's clients want them; any other is not taken for a password."""
    (tmp_path / "secrets.properties").write_text(f"pw={SECRET}\n")
    text = LOGIN.replace(SECRET, f"${{vault:{tmp_path}/secrets.properties:pw}}")
    declared = "config.providers=vault\nconfig.providers.vault.class="
    provider = "org.apache.kafka.common.config.provider.FileConfigProvider"
    path = written(tmp_path, f"{text}{declared}{provider}\n")
    assert config_file.load(path).secrets == (SECRET,)
    for more in ("", f"{declared}com.example.VaultProvider\n"):
        expected = r"the provider of \$\{vault:.* is unknown: use one of env, file, directory, or"
        with pytest.raises(UsageError, match=expected):
            config_file.load(written(tmp_path, f"{text}{more}"))
