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
    _to(up, "assay.up:run", "without")
    demo = commands.add_parser("demo", help="start everything, send demo traffic, print a report")
    demo.set_defaults(handler="assay.demo:run", takes=None)
    demo.add_argument("--exit", action="store_true", help="end after the report")
    demo.add_argument("--seed", type=int, default=None, help="draws the regression (default: date)")
    demo.add_argument("--no-regression", action="store_true", help="send healthy traffic only")
    demo.add_argument("--questions", type=int, default=3, help="live questions to docs_qa")
    demo.add_argument("--traces", type=int, default=1500, help="recorded traces to send")
    for name in PROCESSES:
        process = commands.add_parser(name, help=f"run one process: {_ABOUT[name]}")
        if name == "store":
            _users(process)
        if name == "evaluators":
            process.add_argument("--workers", type=int, default=0, metavar="N", help="processes"
                " that share the work (default: $ASSAY_EVALUATOR_WORKERS or 1)")  # fmt: skip
    apply = commands.add_parser("apply", help="make assay.yaml the control state in force")
    apply.add_argument("--dry-run", action="store_true", help="say what would change")
    _to(apply, "assay.control:apply", "dry_run")
    audit = commands.add_parser("audit", help="every change of control state, newest first")
    _to(audit, "assay.control:audit")
    _keys(commands.add_parser("key", help="API keys: who may send into and read which project"))
    _people(commands.add_parser("user", help="who may open the explorer, as what"))
    usage = commands.add_parser("usage", help="what each project holds and sends, by day")
    usage.add_argument("--project", default="", metavar="P")
    usage.add_argument("--days", type=int, default=7, help="days back from now (7)")
    _to(usage, "assay.usage:run", "project", "days")
    migrate = commands.add_parser("migrate", help="create or update the tables in ClickHouse")
    _to(migrate, "assay.doctor:migrate")
    spool = commands.add_parser("spool", help="what waits on disk, and what ClickHouse refused")
    spool.add_argument("action", choices=["inspect", "requeue"])
    _to(spool, "assay.spool:run", "action")
    backup = commands.add_parser("backup", help="write all stored data into a new folder")
    backup.add_argument("--to", required=True, metavar="FOLDER", dest="place")
    restore = commands.add_parser("restore", help="add a backup to a new store")
    restore.add_argument("--from", required=True, metavar="FOLDER", dest="place")
    copy = commands.add_parser("copy", help="add all stored data to another ClickHouse")
    copy.add_argument("--to", required=True, metavar="CLICKHOUSE_URL", dest="place")
    for transfer in (backup, restore, copy):
        _to(transfer, "assay.transfer:run", "command", "place")
    _import(commands.add_parser("import", help="files of OTLP, Phoenix or Langfuse into a project"))
    _export(commands.add_parser("export", help="a project's spans or scores into a file"))
    kept = commands.add_parser("retention", help="how long each project's rows are kept")
    kept.add_argument("--project", default="", metavar="P")
    kept.add_argument("--rewrite", default="", metavar="DAYS", help="rows kept so long get the days"
        " of the policy (`assay apply` does so where it changes one)")  # fmt: skip
    _to(kept, "assay.retention:run", "project", "rewrite")
    delete = commands.add_parser("delete", help="a trace, session, user or project, for good")
    delete.add_argument("kind", choices=["trace", "session", "user", "project"])
    delete.add_argument("name", metavar="NAME", help="its id, as the spans name it")
    delete.add_argument("--project", default="", metavar="P", help="where it is")
    delete.add_argument("--dry-run", action="store_true", help="count what would go")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    _to(delete, "assay.delete:run", "kind", "name", "project", "dry_run", "yes")
    _alert(commands.add_parser("alert", help="test, list and silence where alerts go"))
    doctor = commands.add_parser("doctor", help="check ports, versions, disk, models, the ledger")
    _to(doctor, "assay.doctor:examine")
    cause = commands.add_parser("rootcause", help="what explains a change: of a file, of traces")
    _rootcause(cause)
    drift = commands.add_parser("drift", help="whether something changed: two files, two ranges")
    _drift(drift)
    _topics(commands.add_parser("topics", help="what users ask about, and what of it changed"))
    _evaluate(commands.add_parser("eval", help="score a file or stored traces with evaluators"))
    _backfill(commands.add_parser("backfill", help="score what is stored with evaluators"))
    canary = commands.add_parser("canary", help="rows whose scores show whether a judge drifts")
    canary.add_argument("action", choices=["put", "run", "show"])
    canary.add_argument("evaluator", nargs="?", default="", metavar="EVALUATOR")
    canary.add_argument("file", nargs="?", default="", metavar="ROWS.JSONL", help="of put")
    canary.add_argument("--repeats", type=int, default=1, metavar="N", help="of run (1)")
    canary.set_defaults(handler="assay.canary:run", takes=None)
    label = commands.add_parser("label", help="store what people say of traces, from a file")
    label.add_argument("file", metavar="LABELS.JSONL", help="- is stdin; see docs/estimates.md")
    agreement = commands.add_parser("agreement", help="how far an evaluator agrees with labels")
    agreement.add_argument("evaluator", metavar="EVALUATOR")
    agreement.add_argument("--version", default="", help="default: the one that scored last")
    agreement.add_argument("--since", default="", metavar="TIME", help="of what began from then on:"
        " 2026-11-01, or 7d ago; labels of other times are borrowed")  # fmt: skip
    agreement.add_argument("--until", default="", metavar="TIME")
    agreement.add_argument("--segment", action="append", default=[], metavar="COLUMN=VALUE")
    agreement.add_argument("--by", default="", metavar="COLUMN", help="agreement by model, service,"
        " environment, ...")  # fmt: skip
    agreement.add_argument("--json", action="store_true", help="print one object")
    for command in (label, agreement):
        command.add_argument("--project", required=True, metavar="P")
    _to(label, "assay.label:run", "project", "file")
    agreement.set_defaults(handler="assay.agreement:run", takes=None)
    return parser


def _alert(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("action", choices=["test", "list", "silence", "unsilence", "requeue"])
    add("name", nargs="?", default="", metavar="NAME", help="an alert of assay.yaml; for silences"
        " also a signal, a rule or `all`")  # fmt: skip
    add("--until", default="", metavar="TIME", help="end of a silence, like 2026-12-01T08:00 (UTC)")
    add("--for", default="", dest="length", metavar="LENGTH", help="30m, 2h, 3d or 1w")
    add("--project", default="", metavar="P", help="silence or requeue this project only")
    add("--reason", default="", help="why, for whoever lists it")
    takes = ("action", "name", "until", "length", "project", "reason")
    _to(command, "assay.alert:run", *takes)


def _drift(command: argparse.ArgumentParser) -> None:
    command.set_defaults(handler="assay.drift:run", takes=None)
    command.description = (
        "Compare a column of two files by every test that suits its kind, or, with --project, a"
        " metric of two time ranges of stored traces."
    )
    add = command.add_argument
    add("--reference", required=True, metavar="FILE", help="CSV, .jsonl or .parquet; with --project"
        " a range like 2026-11-01..2026-11-08 (UTC)")  # fmt: skip
    add("--current", required=True, metavar="FILE", help="the same")
    add("--column", help="of the files: numbers, categories or texts")
    add("--project", metavar="P", help="compare what is stored of this project")
    add("--metric", action="append", default=[], help="with --project: a signal such as latency, or"
        " an evaluator (its newest version); repeat it, all are corrected together")  # fmt: skip
    add("--kind", choices=["number", "category", "text"], help="default: by what stands there")
    add("--session-column", metavar="COLUMN", help="rows of a session resemble each other: it is"
        " then the unit that is permuted")  # fmt: skip
    add("--alpha", type=float, default=0.05, help="false discovery rate over all tests (0.05)")
    add("--points", type=int, default=None, help="rows used of each file, drawn by --seed;"
        " default 1000 texts or 20000 others")  # fmt: skip
    add("--seed", type=int, default=0, help="draws rows and permutations")
    add("--no-embedding", action="store_true", help="compare texts by length and script only")
    add("--json", action="store_true", help="print a list with one object per test")


def _topics(command: argparse.ArgumentParser) -> None:
    command.set_defaults(handler="assay.topics:run", takes=None)
    command.description = "Topics of the stored inputs of one time range, and their share later."
    add = command.add_argument
    add("--project", required=True, metavar="P")
    add("--reference", required=True, metavar="RANGE", help="like 2026-11-01..2026-11-08 (UTC)")
    add("--current", required=True, metavar="RANGE", help="the same")
    add("--count", type=int, default=20, help="of topics that are looked for (20)")
    add("--save", metavar="FILE", help="freeze the topics in a file")
    add("--watch", action="store_true", help="monitors watch these topics from now on")
    add("--topics", metavar="FILE", help="use topics that were frozen")
    add("--alpha", type=float, default=0.05, help="level over all topics together (0.05)")
    add("--seed", type=int, default=0)
    add("--json", action="store_true", help="print one object")


def _rootcause(command: argparse.ArgumentParser) -> None:
    command.set_defaults(handler="assay.rootcause:run", takes=None)
    command.description = "The smallest set of segments that explains a change of a measure."
    add = command.add_argument
    add("--input", default="", metavar="FILE", help="CSV, .jsonl or .parquet; - reads CSV")
    add("--time-column", default="", metavar="COLUMN", help="numbers or ISO 8601 times")
    add("--project", default="", metavar="P", help="search stored traces instead of a file")
    add("--metric", default="", metavar="M", help="with --project: an evaluator, or one of errors,"
        " latency, cost, tokens")  # fmt: skip
    add("--since", default="", metavar="TIME", help="with --project: begin of the reference")
    add("--at", required=True, metavar="TIME", help="when the current window begins")
    add(
        "--window",
        type=float,
        default=None,
        metavar="W",
        help="its length in the"
        " time column's unit (seconds); default: a step of a time grid, else all that follows",
    )
    add("--measure", default="", metavar="A[/B]", help="sum(A) / sum(B), or the mean of A")
    add("--dimensions", default="", metavar="A,B", help="columns in which to search; with"
        " --project also attributes.KEY, resource.KEY, tool.NAME, topic, numbers (default: model,"
        " prompt_version, service_version, environment, document_source, service)")  # fmt: skip
    add("--stages", nargs="?", const="all", default="", metavar="S", help="instead of segments: the"
        " stages before the score, as input=topic,length;retrieval=source;prompt=version; with"
        " --project no value (all that are known), or input,retrieval,...")  # fmt: skip
    add("--session", default="", metavar="COLUMN", help="with --stages: rows that belong together")
    add("--seed", type=int, default=0, help="draws the permutations where there are too many")
    add("--json", action="store_true", help="print a list of causes, the strongest first")


def _to(command: argparse.ArgumentParser, handler: str, *takes: str) -> None:
    """`module:function` is imported when the command runs; it gets the settings and `takes`."""
    command.set_defaults(handler=handler, takes=takes)


def _import(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Send files to a collector with their own times: OTLP (JSON, protobuf), Phoenix (JSON,"
        " Parquet), Langfuse (JSON). What is imported twice is stored once."
    )
    add = command.add_argument
    add("files", nargs="+", metavar="FILE", help="also packed with gzip")
    add("--format", default="", metavar="F", help="otlp, phoenix, langfuse (default: told by what"
        " stands in the file)")  # fmt: skip
    add("--project", default="", metavar="P", help="where it goes (default: the project that the"
        " data names, else the file's name)")  # fmt: skip
    add("--retention", default="", metavar="DAYS", help="how long it is kept, from its own times:"
        " 7, 14, 30, 90, 365 or 0 for ever (default: as its project)")  # fmt: skip
    add("--endpoint", default="", metavar="URL", help="default: this machine's collector")
    add("--key", default="", help="an API key (default: $ASSAY_KEY)")
    command.set_defaults(handler="assay.importing:run", takes=None)


def _export(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--project", required=True, metavar="P")
    add("--format", choices=["otlp-json", "parquet"], default="otlp-json")
    add("--what", choices=["spans", "scores"], default="spans")
    add("--since", default="7d", metavar="TIME", help="2026-11-01, or 7d, 12h, 30m ago (7d)")
    add("--until", default="", metavar="TIME", help="default: now")
    add("--output", required=True, metavar="FILE", help="- is stdout")
    command.set_defaults(handler="assay.exporting:run", takes=None)


def _keys(key: argparse.ArgumentParser) -> None:
    actions = key.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key; its text is shown once")
    create.add_argument("--project", required=True, metavar="P", help="the project that it is"
        " bound to; '*' for a key that may name any")  # fmt: skip
    create.add_argument("--scope", default="ingest", metavar="A,B", help="ingest (default), read,"
        " admin")  # fmt: skip
    create.add_argument("--days", type=float, default=0, help="until it expires (default: never)")
    create.add_argument("--note", default="", help="what it is for")
    actions.add_parser("list", help="every key, without its text")
    revoke = actions.add_parser("revoke", help="end a key now")
    rotate = actions.add_parser("rotate", help="a new key like it; the old one goes on for a while")
    rotate.add_argument("--keep-hours", type=float, default=24, help="of the old key (24)")
    for each in (revoke, rotate):
        each.add_argument("id", metavar="ID", help="as `assay key list` names it")
    key.set_defaults(handler="assay.keys:run", takes=None)


def _people(user: argparse.ArgumentParser) -> None:
    actions = user.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="every user, with role and projects")
    for name, said in (
        ("add", "make a user; the password is asked for, or read from stdin"),
        ("passwd", "another password; logins under the old one end"),
        ("set", "another role or other projects"),
        ("remove", "end a user now"),
    ):
        action = actions.add_parser(name, help=said)
        action.add_argument("name", metavar="NAME")
        if name in {"add", "set"}:
            usual = "viewer" if name == "add" else ""
            action.add_argument("--role", default=usual, metavar="R", help="viewer (looks),"
                " reviewer (labels), editor (changes policies), admin (keys, users)")  # fmt: skip
            action.add_argument("--project", action="append", default=[], metavar="P",
                                help="may be repeated; none named: all")  # fmt: skip
        if name == "set":
            action.add_argument("--all-projects", action="store_true")
    user.set_defaults(handler="assay.logins:run", takes=None)


def _users(store: argparse.ArgumentParser) -> None:
    things = store.add_subparsers(dest="thing", metavar="user")
    user = things.add_parser("user", help="users that may read one project's rows only")
    user.add_argument("action", choices=["add", "list", "remove"])
    user.add_argument("--project", default="", metavar="P", help="the project that it may read")
    _to(user, "assay.users:change", "action", "project")


def _evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument("evaluator", nargs="?", default="", metavar="EVALUATOR",
                         help="its name, or a Python file that registers one; several with commas"
                         " between them")  # fmt: skip
    command.add_argument("--option", action="append", metavar="NAME=VALUE",
                         help="a setting of the evaluator; @FILE reads the value")  # fmt: skip
    command.add_argument("--judge", default="", help="of assay.yaml, or torch; for those that ask")
    command.add_argument("--list", action="store_true", help="name the evaluators and their needs")
    command.add_argument("--input", default="-", metavar="ROWS.JSONL", help="- is stdin")
    command.add_argument("--project", default="", metavar="P", help="score what this project stores"
        " instead of a file; nothing is written into it")  # fmt: skip
    command.add_argument("--dataset", default="", metavar="NAME[@N]", help="score version N (the"
        " last) of a data set of the project instead")  # fmt: skip
    command.add_argument("--since", default="24h", metavar="TIME", help="2026-11-01, or 7d, 12h,"
        " 30m ago (24h); with --project")  # fmt: skip
    command.add_argument("--until", default="", metavar="TIME", help="default: now")
    command.add_argument("--output", default="-", metavar="SCORES.JSONL", help="- is stdout")
    command.add_argument(
        "--fail-under",
        type=float,
        metavar="X",
        help="gate on the mean's 95%% interval: exit 0 pass, 1 fail, 2 inconclusive",
    )
    command.add_argument(
        "--prior", action="store_true", help="print how a rubric's judge leans over the rows"
    )
    command.set_defaults(handler="assay.evaluate:run", takes=None)


def _backfill(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Score what a project stores of a time with an evaluator, or its new version. What has its"
        " score is left out, so a run that was cut off goes on where it was."
    )
    add = command.add_argument
    add("evaluator", metavar="EVALUATOR", help="several with commas between them")
    add("--project", required=True, metavar="P")
    add("--since", required=True, metavar="TIME", help="2026-11-01, or 7d, 12h, 30m ago")
    add("--until", default="", metavar="TIME", help="default: now")
    add("--sample", type=float, default=1.0, metavar="X", help="probability of being judged (1)")
    add("--level", default="", choices=["", "span", "trace", "session"], help="default: the"
        " evaluator's own")  # fmt: skip
    command.set_defaults(handler="assay.backfill:run", takes=None)
