"""The launch: Spark's own command, on a class path of this project's."""

from pathlib import Path

from headcount_analysis.spark.launch import command


def test_a_jar_is_named_once(tmp_path: Path) -> None:
    """The first place counts, and what `*` stands for is in an order of its own."""
    for name in ("b.jar", "a.jar", "readme.txt"):
        (tmp_path / name).touch()
    words = ("/java", "-cp", f"/own.jar:{tmp_path}/b.jar:{tmp_path}/*", "Main", "--conf", "k=")

    told = command(b"a warning\n\0\n" + b"".join(f"{word}\0".encode() for word in words))

    class_path = f"/own.jar:{tmp_path}/b.jar:{tmp_path}/a.jar"
    assert told == ["/java", "-cp", class_path, "Main", "--conf", "k="]


def test_what_is_looked_for_most_often_comes_first(tmp_path: Path) -> None:
    """The rest is in the order of its names."""
    for name in ("a.jar", "spark-core_2.13.jar", "scala-library.jar", "spark-catalyst_2.13.jar"):
        (tmp_path / name).touch()
    _, _, class_path, *_ = command(f"\0\n/java\0-cp\0{tmp_path}/*\0Main\0".encode())
    names = [Path(jar).name for jar in class_path.split(":")]
    assert names == ["spark-catalyst_2.13.jar", "spark-core_2.13.jar", "scala-library.jar", "a.jar"]
