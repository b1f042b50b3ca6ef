"""The launch: Spark's own command, on a class path that names nothing twice."""

from pathlib import Path

from analysis.launch import command


def test_a_jar_is_named_once(tmp_path: Path) -> None:
    """The first place counts, and what `*` stands for is in an order of its own."""
    for name in ("b.jar", "a.jar", "readme.txt"):
        (tmp_path / name).touch()
    words = ("/java", "-cp", f"/own.jar:{tmp_path}/b.jar:{tmp_path}/*", "Main", "--conf", "k=")

    told = command(b"a warning\n\0\n" + b"".join(f"{word}\0".encode() for word in words))

    class_path = f"/own.jar:{tmp_path}/b.jar:{tmp_path}/a.jar"
    assert told == ["/java", "-cp", class_path, "Main", "--conf", "k="]
