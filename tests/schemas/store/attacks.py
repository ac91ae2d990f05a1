"""What a project's user may try: targets that it must not reach, in every shape of a SELECT."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

NAMES = (
    "control", "assay.control", "`control`", "assay.`control`", "schema_migrations", "spans_in",
    "spans_mv", "assay.logs_in", "everything", "assay.everything", "system.parts", "system.tables",
    "`system`.`processes`", "`system.parts`", '"system"."columns"', "system.query_log",
    "system.users", "system.one", "information_schema.tables", "INFORMATION_SCHEMA.COLUMNS",
    "default.rows", "other.spans", "ASSAY.spans", "{t:Identifier}", "assay.{t:Identifier}",
)  # fmt: skip
CALLS = (
    "merge('assay', 'spans')", "merge('.*', '.*')", "MERGE(assay, 'control')",
    "mergeTreeIndex(assay, spans)", "mergeTreeIndex('assay', 'spans')",
    "mergeTreeProjection(assay, spans, p)", "file('/etc/passwd', 'RawBLOB')", "file('*')",
    "url('http://127.0.0.1/', 'TSV', 'x String')", "s3('http://127.0.0.1/x', 'CSV')",
    "remote('127.0.0.1', 'assay', 'spans')", "remote('127.0.0.1', assay.control)",
    "cluster('default', assay.spans)", "Python('rows')", "python(rows)",
    "executable('id', 'TSV', 'x String')", "dictionary('d')", "view(SELECT * FROM assay.control)",
    "viewExplain('EXPLAIN', '', (SELECT 1))", "input('x String')", "loop(assay.spans)",
    "sqlite('/tmp/x', 't')", "mysql('a', 'b', 'c', 'd', 'e')", "fileCluster('c', '/etc/passwd')",
    "postgresql('a', 'b', 'c', 'd', 'e')", "urlCluster('c', 'http://x/')", "filesystem('/')",
    "viewIfPermitted(SELECT 1 AS x ELSE null('x Int8'))", "hdfs('hdfs://x/y', 'TSV')",
    "iceberg('http://x/y')", "numbers(1, SETTINGS a = 1)", "arrowFlight('x', 'y')",
)  # fmt: skip
SHAPES = (
    "SELECT * FROM %s", "FROM %s SELECT *", "/* SELECT 1 */ SELECT * -- FROM spans\n FROM %s",
    "WITH c AS (SELECT * FROM %s) SELECT * FROM c", "WITH c AS (SELECT * FROM %s) SELECT 1",
    "WITH c AS (WITH d AS (SELECT * FROM %s) SELECT * FROM d) SELECT * FROM c",
    "WITH (SELECT count() FROM %s) AS n SELECT n", "SELECT (SELECT count() FROM %s)",
    "SELECT 1 WHERE 1 IN (SELECT 1 FROM %s)", "SELECT 1 WHERE EXISTS (SELECT 1 FROM %s)",
    "SELECT 1 FROM spans WHERE EXISTS (SELECT 1 FROM %s AS t WHERE spans.name = 'x')",
    "SELECT 1 FROM spans AS a JOIN %s AS b ON 1 = 1", "SELECT * FROM spans, %s",
    "SELECT * FROM (SELECT 1) AS a LEFT JOIN (SELECT * FROM %s) AS b ON true",
    "SELECT 1 UNION ALL SELECT 1 FROM %s", "(SELECT 1) INTERSECT (SELECT 1 FROM %s)",
    "SELECT 1 EXCEPT SELECT 1 FROM %s", "SELECT arrayMap(x -> (SELECT count() FROM %s), [1])",
    "SELECT 1 ORDER BY (SELECT count() FROM %s)", "SELECT 1 LIMIT (SELECT count() FROM %s)",
    "SELECT * FROM numbers((SELECT count() FROM %s))", "SELECT if(0, (SELECT 1 FROM %s), 1)",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM %s))", "SELECT * FROM view(SELECT * FROM %s)",
    "SELECT sum(1) OVER (ORDER BY (SELECT count() FROM %s)) FROM spans",
    "SELECT * REPLACE ((SELECT count() FROM %s) AS name) FROM spans",
    "SELECT COLUMNS('name') APPLY (x -> (SELECT count() FROM %s)) FROM spans",
    "SELECT count() FROM spans GROUP BY GROUPING SETS (((SELECT count() FROM %s)), ())",
    "SELECT 1 FROM spans ARRAY JOIN [(SELECT count() FROM %s)] AS x",
    "SELECT 1 FROM spans QUALIFY (SELECT count() FROM %s) > 0",
    "SELECT quantile((SELECT 0.5 FROM %s))(1)", "SELECT * FROM %s FORMAT JSON",
    "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c, %s AS t"
    " WHERE c.n < 3) SELECT * FROM c",
)  # fmt: skip
MEMBERS = (
    "SELECT 1 IN %s", "SELECT 1 WHERE (1, 2) NOT IN %s", "SELECT in(1, %s)", "SELECT IN(1, %s)",
    "SELECT name GLOBAL IN %s FROM spans", "SELECT 1 IN (%s)", "SELECT `notIn`(1, %s)",
    "SELECT arrayFilter(x -> x IN %s, [1])", "SELECT nullIn(1, %s)",
    "SELECT globalNotNullIn(1, %s)",
    "WITH %s AS x SELECT 1 IN x", "WITH %s AS x, x AS y SELECT 1 IN y", "SELECT 1 IN (%s AS z)",
    "WITH x -> x IN %s AS f SELECT f(1)", "SELECT max(1) IN %s", "SELECT 1 IN x, (%s AS x)",
    "SELECT x IN y FROM (SELECT 1 AS x) AS t WHERE (%s AS y) = 1", "SELECT 1 IN tuple(%s)",
    "WITH c AS (SELECT 1 IN %s) SELECT * FROM c", "SELECT countIf(1 IN %s)",
)  # fmt: skip
FUNCTIONS = (
    "file('/etc/passwd')", "FILE('/etc/passwd')", "getSetting('log_comment')", "hostName()",
    "HOSTNAME()", "hostname()", "FQDN()", "fullHostName()", "currentUser()", "user()", "USER()",
    "dictGet('d', 'x', 1)", "dictGetString('d', 'x', 1)", "joinGet('t', 'c', 1)", "uptime()",
    "joinGetOrNull('t', 'c', 1)", "getServerPort('http_port')", "getMacro('x')", "tcpPort()",
    "addressToLine(1)", "serverUUID()", "filesystemAvailable()", "sleep(1)", "sleepEachRow(1)",
    "hasColumnInTable('assay', 'control', 'document')", "catboostEvaluate('/x', 1)", "queryID()",
    "logTrace('x')", "getMergeTreeSetting('index_granularity')", "getServerSetting('path')",
    "showCertificate()", "formatRow('Template', 1)", "__getScalar('x')", "throwIf(1)",
    "aiGenerate('x')", "currentDatabase()", "initialQueryID()", "blockNumber()", "transactionID()",
    "regionToName(1)", "evalMLMethod(1, 2)", "displayName()", "getOSKernelVersion()",
    "mergeTreePartInfo('all_1_1_0')", "runningConcurrency(1, 2)", "no_such_function(1)",
    "partitionId(1)", "zookeeperSessionUptime()", "getClientHTTPHeader('x')", "view(SELECT 1)",
)  # fmt: skip
IN_EXPRESSIONS = (
    "SELECT %s", "SELECT 1 WHERE toString(%s) != ''", "WITH %s AS x SELECT x",
    "SELECT arrayMap(x -> %s, [1])", "SELECT 1 FROM spans AS a JOIN logs AS b ON toString(%s) = ''",
    "SELECT * APPLY (x -> %s) FROM spans", "SELECT * FROM numbers(%s)", "SELECT max(%s) FROM spans",
    "SELECT 1 ORDER BY %s", "SELECT 1 AS x ORDER BY x WITH FILL FROM 0 TO %s",
)  # fmt: skip
STATEMENTS = (
    "EXPLAIN SELECT * FROM spans", "EXPLAIN AST SELECT 1", "EXPLAIN PLAN indexes = 1 SELECT 1",
    "EXPLAIN ESTIMATE SELECT * FROM spans", "EXPLAIN SYNTAX SELECT 1",
    "EXPLAIN QUERY TREE SELECT 1",
    "EXPLAIN PIPELINE SELECT * FROM spans", "EXPLAIN TABLE OVERRIDE mysql('a') PARTITION BY 1",
    "SELECT * FROM (EXPLAIN SELECT * FROM spans)", "WITH c AS (EXPLAIN SELECT 1) SELECT * FROM c",
    "KILL QUERY WHERE 1", "KILL QUERY WHERE query_id = 'x' SYNC", "KILL MUTATION WHERE 1",
    "SET readonly = 0", "SET additional_table_filters = {}", "USE system", "SHOW TABLES",
    "SHOW CREATE TABLE control", "SHOW PROCESSLIST", "SHOW SETTINGS LIKE '%'", "SHOW DATABASES",
    "DESCRIBE TABLE control", "DESC spans", "EXISTS TABLE control", "CHECK TABLE spans",
    "INSERT INTO spans (project) VALUES ('x')", "INSERT INTO spans SELECT * FROM spans",
    "INSERT INTO FUNCTION file('/tmp/x', 'TSV') SELECT * FROM spans", "DROP TABLE spans",
    "CREATE VIEW v AS SELECT * FROM spans", "CREATE TEMPORARY TABLE t (x Int8)",
    "CREATE TABLE t ENGINE = Memory AS SELECT * FROM control", "ALTER TABLE spans DELETE WHERE 1",
    "CREATE FUNCTION f AS x -> x", "CREATE USER x", "GRANT ALL ON *.* TO x", "SYSTEM RELOAD CONFIG",
    "BACKUP TABLE spans TO Disk('x', 'y')", "OPTIMIZE TABLE spans", "TRUNCATE TABLE spans",
    "RENAME TABLE spans TO x", "ATTACH TABLE x", "DETACH TABLE spans", "WATCH v", "BEGIN",
    "DELETE FROM spans WHERE 1", "UPDATE spans SET name = '' WHERE 1", "TABLE control",
    "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE spans", "SELECT 1 PARALLEL WITH SELECT 2",
    "SELECT * FROM spans SETTINGS additional_table_filters = {}", "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM (SELECT * FROM spans SETTINGS additional_table_filters = {})",
    "SELECT 1 FORMAT TSV SETTINGS readonly = 0", "SELECT 1 SETTINGS max_threads = 1 FORMAT TSV",
    "SELECT 1 UNION ALL SELECT 2 SETTINGS allow_ddl = 1",
    "SELECT 1 WHERE 1 IN (SELECT 1 SETTINGS log_comment = 'x')", "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO OUTFILE '/tmp/x' APPEND FORMAT TSV", "SELECT 1 FORMAT Template",
    "SELECT 1 FORMAT JSONEachRowWithProgress", "SELECT 1 FORMAT Protobuf",
    "SELECT 1 FORMAT SQLInsert",
    "SELECT name FROM spans PREWHERE toInt64(name) > 0", "SELECT _part_offset FROM spans",
    "SELECT spans._part FROM spans", "SELECT _block_number FROM assay.logs",
    "WITH control AS (SELECT 1) SELECT * FROM control",
    "WITH `system.parts` AS (SELECT 1) SELECT 1",
    "SELECT (WITH control AS (SELECT 1 AS x) SELECT x FROM control) FROM control",
    "SELECT {c:Identifier} FROM spans", "SELECT * FROM spans LIMIT 1 BY {c:Identifier}",
    "SELECT * APPLY (in) FROM spans", "SELECT * APPLY (hostName) FROM spans", "\0SELECT 1",
    "SELECT * APPLY (dictGet('x')) FROM spans", "", " ", "-- nothing", "(SELECT 1", "SELECT",
)  # fmt: skip


def attacks() -> Iterator[str]:
    """Every shape with every target: none of these may give an answer."""
    for shape, target in itertools.product(SHAPES, NAMES + CALLS):
        yield shape.replace("%s", target)
    for shape, target in itertools.product(MEMBERS, NAMES):
        yield shape.replace("%s", target)
    for shape, target in itertools.product(IN_EXPRESSIONS, FUNCTIONS):
        yield shape.replace("%s", target)
    yield from STATEMENTS
