"""The two engines under `hallpass serve`: how a database is made, copied, filled, pruned, and what its own
programs reach with it."""

import os
import pathlib
import pwd
import shutil
import sqlite3
import subprocess
import time

from .processes import free_port
from .production import CONNECTIONS_TO_POSTGRES

HERE = pathlib.Path(__file__).resolve().parent.parent
TABLE = "authorizations"
DAY = 24 * 3600 * 1000
# What `crates/store/src/authorizations.rs` does; `same_statement` sees that it still does.
PRUNE = (
    "DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations "
    "WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= {long_ago} "
    "ORDER BY COALESCE(revoked_at, absolute_expires_at, created_at) LIMIT {limit})"
)
PRUNED_AT_ONCE = 1_000
WAL_FRAME = 24 + 4096


def same_statement():
    source = (HERE.parent / "crates" / "store" / "src" / "authorizations.rs").read_text()
    source = " ".join(source.replace("\\\n", " ").split())
    wanted = PRUNE.format(long_ago="$1", limit="$2")
    if wanted not in source:
        raise SystemExit("bench/storage: the store prunes by another statement: bring `PRUNE` up to it")


def row_expressions(columns, now, number, identifier, person):
    """The SQL of each column of a filler: a row like one that is there, but another sign-in of another person."""
    changed = {
        "id": identifier,
        "user_id": person,
        "created_at": f"{now} - ({number} % 90) * {DAY}",
        "idle_expires_at": f"{now} + (1 + {number} % 30) * {DAY}",
        "absolute_expires_at": f"{now} + (1 + {number} % 90) * {DAY}",
        "browser_session": "NULL",
    }
    missing = set(changed) - set(columns)
    if missing:
        raise SystemExit(f"bench/storage: {TABLE} has no {missing}")
    return ", ".join(changed.get(column, f"t.{column}") for column in columns)


class SqliteFile:
    name = "SQLite file"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "sqlite"
        self.folder.mkdir()

    def create(self, name):
        return f"sqlite://{self.path(name)}"

    def path(self, name):
        return self.folder / f"{name}.db"

    def copy(self, name, new):
        """Of a database that nobody has open."""
        shutil.copy(self.path(name), self.path(new))
        return f"sqlite://{self.path(new)}"

    def fill(self, name, rows, progress):
        """Adds so many rows; those that were there lie evenly between them."""
        database = self.open(name)
        database.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA cache_size = -500000;")
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({TABLE})")]
        indexes = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", [TABLE]).fetchall()
        now = int(time.time() * 1000)
        database.create_function("filler_id", 1, lambda number: (now - 90 * DAY + number).to_bytes(6, "big") + os.urandom(10))
        listed = ", ".join(columns)
        database.execute("BEGIN")
        for index, _ in indexes:
            database.execute(f"DROP INDEX {index}")
        database.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {TABLE}")
        database.execute(f"DELETE FROM {TABLE}")
        kept = [number for (number,) in database.execute("SELECT rowid FROM kept")]
        expressions = row_expressions(columns, now, "n", "filler_id(n)", "'filler-' || (n % 1000000)")
        for begin, end, one in slices(rows, kept):
            database.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT {begin} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end}) "
                f"INSERT INTO {TABLE} ({listed}) SELECT {expressions} FROM numbers, kept t WHERE t.rowid = {kept[0]}"
            )
            database.execute(f"INSERT INTO {TABLE} ({listed}) SELECT {listed} FROM kept WHERE rowid = {one}")
            progress(end)
        for _, sql in indexes:
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
        database.close()
        os.sync()

    def count(self, name):
        return self.open(name).execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]

    def add_ended(self, name, rows):
        """Adds rows that ended long ago."""
        database = self.open(name)
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({TABLE})")]
        database.create_function("filler_id", 1, lambda number: (number + 1).to_bytes(6, "big") + os.urandom(10))
        expressions = row_expressions(columns, 0, "n", "filler_id(n)", "'filler-' || n")
        database.execute(
            f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows}) "
            f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {expressions} FROM numbers, (SELECT * FROM {TABLE} LIMIT 1) t"
        )
        database.commit()
        database.close()

    def prune(self, name):
        """Milliseconds that one batch of the purge takes, its commit included."""
        database = self.open(name)
        database.execute("PRAGMA synchronous = FULL")
        began = time.perf_counter()
        done = database.execute(PRUNE.format(long_ago=100 * DAY, limit=PRUNED_AT_ONCE)).rowcount
        database.commit()
        spent = (time.perf_counter() - began) * 1000
        database.close()
        expect_pruned(done)
        return spent

    def pages_per_commit(self, name):
        """From the log that the server left behind: how much it wrote between two fsyncs."""
        log = pathlib.Path(f"{self.path(name)}-wal").read_bytes()
        salt, frames, commits = log[16:24], 0, 0
        for start in range(32, len(log) - WAL_FRAME + 1, WAL_FRAME):
            if log[start + 8 : start + 16] != salt:
                break
            frames += 1
            commits += log[start + 4 : start + 8] != b"\0\0\0\0"
        return frames / max(1, commits)

    def fsync_rate(self, pages, seconds):
        """How often a second the disk confirms so many pages, written over a file as a log is."""
        block, size = b"\x5a" * round(pages * WAL_FRAME), 4 << 20
        path = self.folder / "fsync"
        with open(path, "wb") as file:
            file.write(b"\0" * (size + len(block)))
            os.fsync(file.fileno())
        with open(path, "r+b", buffering=0) as file:
            began, count = time.perf_counter(), 0
            while time.perf_counter() - began < seconds:
                if file.tell() > size:
                    file.seek(0)
                file.write(block)
                os.fsync(file.fileno())
                count += 1
            return count / (time.perf_counter() - began)

    def open(self, name):
        return sqlite3.connect(self.path(name))

    def remove(self):
        shutil.rmtree(self.folder)


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder):
        self.programs = programs()
        self.folder = pathlib.Path(folder) / "postgres"
        self.folder.mkdir()
        self.port = free_port()
        self.as_server = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            # Whoever made the folders above may keep others out.
            for above in self.folder.parents:
                if above.stat().st_uid == 0 and above.stat().st_mode & 0o001 == 0:
                    above.chmod(above.stat().st_mode | 0o001)
            self.as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.folder / "data"
        self.run("initdb", "--auth=trust", "--username=hallpass", "--encoding=UTF8", "--locale=C", "--pgdata", data)
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(f"port = {self.port}\nlisten_addresses = ''\nunix_socket_directories = '{self.folder}'\nshared_buffers = '512MB'\nmax_wal_size = '2GB'\n")
        self.run("pg_ctl", "start", "--wait", "--silent", "--log", self.folder / "log", "--pgdata", data)

    def run(self, program, *words):
        command = [*self.as_server, self.programs / program, *words]
        subprocess.run([str(part) for part in command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def psql(self, name, *statements):
        command = [self.programs / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        command += ["--username=hallpass", "--host", self.folder, "--port", self.port, "--dbname", name]
        for statement in statements:
            command += ["--command", statement]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"bench/storage: {statements}: {done.stderr}")
        return done.stdout.strip()

    def create(self, name):
        self.psql("postgres", f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, name):
        return f"postgres://hallpass@/{name}?host={self.folder}&port={self.port}"

    def copy(self, name, new):
        """Of a database that nobody has open."""
        self.psql("postgres", f"CREATE DATABASE {new} TEMPLATE {name}")
        return self.address(new)

    def columns(self, name):
        query = f"SELECT attname FROM pg_attribute WHERE attrelid = '{TABLE}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        return self.psql(name, query).splitlines()

    def fill(self, name, rows, progress):
        columns = self.columns(name)
        listed = ", ".join(columns)
        index_query = (
            f"SELECT i.indexrelid::regclass || '|' || pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = '{TABLE}'::regclass AND NOT i.indisprimary"
        )
        indexes = [line.split("|", 1) for line in self.psql(name, index_query).splitlines()]
        now = int(time.time() * 1000)
        identifier = f"decode(lpad(to_hex({now - 90 * DAY} + n), 12, '0') || substr(md5(n::text), 1, 20), 'hex')"
        expressions = row_expressions(columns, now, "n", identifier, "'filler-' || (n % 1000000)")
        self.psql(
            name,
            *[f"DROP INDEX {index}" for index, _ in indexes],
            f"CREATE TABLE kept AS SELECT row_number() OVER () AS place, * FROM {TABLE}",
            f"DELETE FROM {TABLE}",
        )
        kept = [int(place) for place in self.psql(name, "SELECT place FROM kept ORDER BY place").splitlines()]
        for begin, end, one in slices(rows, kept):
            self.psql(
                name,
                f"INSERT INTO {TABLE} ({listed}) SELECT {expressions} FROM generate_series({begin}::bigint, {end - 1}) n, kept t WHERE t.place = 1",
                f"INSERT INTO {TABLE} ({listed}) SELECT {listed} FROM kept WHERE place = {one}",
            )
            progress(end)
        self.psql(name, *[definition for _, definition in indexes], "DROP TABLE kept", f"VACUUM ANALYZE {TABLE}", "CHECKPOINT")

    def count(self, name):
        return int(self.psql(name, f"SELECT count(*) FROM {TABLE}"))

    def add_ended(self, name, rows):
        columns = self.columns(name)
        identifier = "decode(lpad(to_hex(n + 1), 12, '0') || md5(random()::text || n), 'hex')"
        identifier = f"substr({identifier}, 1, 16)"
        expressions = row_expressions(columns, 0, "n", identifier, "'filler-' || n")
        self.psql(name, f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {expressions} FROM generate_series(0::bigint, {rows - 1}) n, (SELECT * FROM {TABLE} LIMIT 1) t", f"ANALYZE {TABLE}")

    def prune(self, name):
        statement = PRUNE.format(long_ago=100 * DAY, limit=PRUNED_AT_ONCE)
        timed = self.psql(name, "\\timing on", statement)
        expect_pruned(PRUNED_AT_ONCE - self.left_to_prune(name))
        line = next(line for line in timed.splitlines() if line.startswith("Time: "))
        return float(line.split()[1])

    def left_to_prune(self, name):
        return int(self.psql(name, f"SELECT count(*) FROM {TABLE} WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= {100 * DAY}"))

    def pgbench(self, name, seconds):
        """Refreshes a second where nothing is done but the one statement, each in a transaction of its own."""
        columns = ", ".join(self.columns(name))
        self.psql(
            name,
            "DROP TABLE IF EXISTS bench",
            f"CREATE TABLE bench (LIKE {TABLE} INCLUDING ALL)",
            "ALTER TABLE bench SET (fillfactor = 80)",
            f"INSERT INTO bench SELECT * FROM {TABLE}",
            "CREATE TABLE IF NOT EXISTS bench_numbers (n int PRIMARY KEY, id bytea)",
            "TRUNCATE bench_numbers",
            "INSERT INTO bench_numbers SELECT row_number() OVER (), id FROM bench",
            "VACUUM ANALYZE bench, bench_numbers",
        )
        script = self.folder / "refresh.sql"
        script.write_text(
            f"\\set n random(1, {self.count(name)})\n"
            "UPDATE bench SET rt_generation = rt_generation + 1, rt_previously_rotated_at = rt_rotated_at, rt_rotated_at = 1700000000123, "
            "idle_expires_at = CASE WHEN absolute_expires_at < 1900000000123 THEN absolute_expires_at ELSE 1900000000123 END "
            "WHERE id = (SELECT id FROM bench_numbers WHERE n = :n) AND rt_rotates = 1 AND revoked_at IS NULL "
            f"RETURNING {columns};\n"
        )
        command = [shutil.which("pgbench") or self.programs / "pgbench", "--no-vacuum", "--protocol=prepared", "--file", script]
        command += ["--client", CONNECTIONS_TO_POSTGRES, "--jobs", 2, "--time", round(seconds), "--username=hallpass", "--host", self.folder, "--port", self.port, name]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
        line = next(line for line in done.splitlines() if line.startswith("tps = "))
        return float(line.split()[2])

    def remove(self):
        self.run("pg_ctl", "stop", "--mode=fast", "--wait", "--silent", "--pgdata", self.folder / "data")
        shutil.rmtree(self.folder)


def programs():
    """The newest PostgreSQL that Debian has installed."""
    found = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if not found:
        raise SystemExit("bench/storage: no PostgreSQL in /usr/lib/postgresql")
    return found


def slices(rows, kept):
    """Begin and end of the fillers before each of the rows that are kept, and that row."""
    ends = [rows * (place + 1) // len(kept) for place in range(len(kept))]
    return zip([0, *ends[:-1]], ends, kept)


def expect_pruned(rows):
    if rows != PRUNED_AT_ONCE:
        raise SystemExit(f"bench/storage: {rows} rows were pruned, not {PRUNED_AT_ONCE}")
