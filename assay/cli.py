"""The command line: what there is, in words; `__main__` wires it to code."""

from __future__ import annotations

import argparse

PROCESSES = ("store", "collector", "evaluators", "monitors", "ui")

_ABOUT = {
    "store": "the embedded ClickHouse, behind its own HTTP interface",
    "collector": "OTLP over gRPC and HTTP into the store",
    "evaluators": "score quiet traces",
    "monitors": "watch scores for drift, find causes, send webhooks",
    "ui": "the explorer in a browser",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser with every subcommand."""
    parser = argparse.ArgumentParser(
        prog="assay",
        description="Self-hosted evaluation and observability for LLM applications.",
        epilog="Settings come from ASSAY_* variables and CLICKHOUSE_URL; see docs/settings.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start everything and keep it running until Ctrl-C")
    up.add_argument(
        "--without", default="", metavar="A,B", help=f"leave out some of: {', '.join(PROCESSES)}"
    )
    demo = commands.add_parser("demo", help="start everything, send demo traffic, print a report")
    demo.add_argument("--exit", action="store_true", help="end after the report")
    demo.add_argument("--seed", type=int, default=None, help="draws the regression (default: date)")
    demo.add_argument("--no-regression", action="store_true", help="send healthy traffic only")
    demo.add_argument("--questions", type=int, default=3, help="live questions to docs_qa")
    demo.add_argument("--traces", type=int, default=1500, help="recorded traces to send")
    for name in PROCESSES:
        process = commands.add_parser(name, help=f"run one process: {_ABOUT[name]}")
        if name == "store":
            _users(process)
    apply = commands.add_parser("apply", help="make assay.yaml the control state in force")
    apply.add_argument("--dry-run", action="store_true", help="say what would change")
    commands.add_parser("audit", help="every change of control state, newest first")
    commands.add_parser("migrate", help="create or update the tables in ClickHouse, then exit")
    spool = commands.add_parser("spool", help="what waits on disk, and what ClickHouse refused")
    spool.add_argument("action", choices=["inspect", "requeue"])
    backup = commands.add_parser("backup", help="write all stored data into a new folder")
    backup.add_argument("--to", required=True, metavar="FOLDER", dest="place")
    restore = commands.add_parser("restore", help="add a backup to a new store")
    restore.add_argument("--from", required=True, metavar="FOLDER", dest="place")
    copy = commands.add_parser("copy", help="add all stored data to another ClickHouse")
    copy.add_argument("--to", required=True, metavar="CLICKHOUSE_URL", dest="place")
    _evaluate(commands.add_parser("eval", help="score the rows of a file with one evaluator"))
    commands.add_parser("doctor", help="check ports, versions, disk, models and the ledger")
    return parser


def _users(store: argparse.ArgumentParser) -> None:
    things = store.add_subparsers(dest="thing", metavar="user")
    user = things.add_parser("user", help="users that may read one project's rows only")
    user.add_argument("action", choices=["add", "list", "remove"])
    user.add_argument("--project", default="", metavar="P", help="the project that it may read")


def _evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument("evaluator", nargs="?", default="", metavar="EVALUATOR")
    command.add_argument("--list", action="store_true", help="name the evaluators and their needs")
    command.add_argument("--input", default="-", metavar="ROWS.JSONL", help="- is stdin")
    command.add_argument("--output", default="-", metavar="SCORES.JSONL", help="- is stdout")
    command.add_argument(
        "--fail-under",
        type=float,
        metavar="X",
        help="gate on the mean's 95%% interval: exit 0 pass, 1 fail, 2 inconclusive",
    )
