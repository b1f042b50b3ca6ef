"""The launch: Spark's own command, with this project's class path."""

from pathlib import Path

from headcount_analysis.spark.launch import command


def test_a_jar_is_named_once(tmp_path: Path) -> None:
    """Its first place counts, and the jars of `*` are sorted."""
    for name in ("b.jar", "a.jar", "readme.txt"):
        (tmp_path / name).touch()
    words = ("/java", "-cp", f"/own.jar:{tmp_path}/b.jar:{tmp_path}/*", "Main", "--conf", "k=")

    arguments = command(b"a warning\n\0\n" + b"".join(f"{word}\0".encode() for word in words))

    class_path = f"/own.jar:{tmp_path}/b.jar:{tmp_path}/a.jar"
    assert arguments == ["/java", "-cp", class_path, "Main", "--conf", "k="]


def test_the_jars_used_most_come_first(tmp_path: Path) -> None:
    """The other jars are sorted by name."""
    for name in ("a.jar", "spark-core_2.13.jar", "scala-library.jar", "spark-catalyst_2.13.jar"):
        (tmp_path / name).touch()
    _, _, class_path, *_ = command(f"\0\n/java\0-cp\0{tmp_path}/*\0Main\0".encode())
    names = [Path(jar).name for jar in class_path.split(":")]
    assert names == ["spark-catalyst_2.13.jar", "spark-core_2.13.jar", "scala-library.jar", "a.jar"]
