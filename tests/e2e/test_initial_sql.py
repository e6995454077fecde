"""The SQL that alfred.yaml names, run by `up`."""

from __future__ import annotations

from tests.e2e.checkout import Checkout


def test_initial_sql_runs_once_and_mistakes_come_before_anything_starts(checkout: Checkout) -> None:
    config = checkout.root / "alfred.yaml"
    config.write_text("postgres:\n  initial_sql: [schema.sql]\n")
    refused = checkout.run("up", "db-postgres")
    assert refused.returncode == 2
    assert "alfred.yaml:2:17: initial SQL schema.sql cannot be read" in refused.stderr
    assert checkout.pids() == []
    (checkout.root / "schema.sql").write_text("CREATE TABLE greeting (t text);\n")
    first, second = (checkout.run("up", "db-postgres") for _ in range(2))
    assert "ran schema.sql in the new database" in first.stderr
    assert (second.returncode, "schema.sql" in second.stderr) == (0, False)
    psql = ("exec", "db-postgres", "psql", "-Atc")
    assert checkout.ok(*psql, "SELECT count(*) FROM greeting") == "0\n"
    (checkout.root / "more.sql").write_text("SELECT 1;\nSELEC 2;\n")
    config.write_text("postgres:\n  initial_sql: [schema.sql, more.sql]\n")
    failed = checkout.json("up", "db-postgres", exit_code=1)
    assert failed["error"]["code"] == "initial-sql-failed"
    assert failed["error"]["where"] == "more.sql:2"
    assert "extensions plpgsql, vector" in checkout.ok("status", "-v")
