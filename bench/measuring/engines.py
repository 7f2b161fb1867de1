"""The two engines under `hallpass serve`: how a database is made, copied, filled, pruned, and what its own
programs reach with it."""

import hashlib
import os
import pathlib
import pwd
import random
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
PRUNE_SQLITE = (
    "DELETE FROM authorizations WHERE rowid IN (SELECT rowid FROM authorizations "
    "WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= {ended} "
    "ORDER BY COALESCE(revoked_at, absolute_expires_at, created_at) LIMIT {limit})"
)
PRUNE_POSTGRES = (
    "DELETE FROM authorizations WHERE ctid = ANY (ARRAY(SELECT ctid FROM authorizations "
    "WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= {ended} "
    "ORDER BY COALESCE(revoked_at, absolute_expires_at, created_at) LIMIT {limit})) "
    "AND COALESCE(revoked_at, absolute_expires_at, created_at) <= {ended}"
)
PRUNED_AT_ONCE = 1_000
WAL_FRAME = 24 + 4096
# The tables of SQLite that say which sign-ins somebody has, and what of it they are asked by.
LOOKUPS = [("authorizations_by_user", "issuer, user_id"), ("authorizations_by_session", "browser_session")]
# A sign-in lives so long, and its refresh tokens so long without use: the server's defaults.
LIFETIME, IDLE = 90 * DAY, 30 * DAY
# The oldest filler ends so long after the table was filled: a server that runs leaves it alone.
FIRST_END = DAY
# So many people have them. Each comes back now and then: their sign-ins lie in no order.
PEOPLE = 1_000_000
# Every filler has ended by then, none of the sessions that are refreshed has.
AFTER_ALL = LIFETIME - DAY // 2


def same_statement():
    statements = [(statement.format(ended="$1", limit="$2"), "authorizations") for statement in (PRUNE_SQLITE, PRUNE_POSTGRES)]
    for table, key in LOOKUPS:
        names = [*key.split(", "), "id"]
        values = {name: f"${place}" for place, name in enumerate([*names, "limit"], 1)}
        statements.append((dangling(table, key, f"({', '.join(values[name] for name in names)})", values["limit"]), "authorization_lookups"))
        statements.append((forget(table, key).replace("?", "{}").format(*values.values()), "authorization_lookups"))
    for statement, file in statements:
        source = (HERE.parent / "crates" / "store" / "src" / f"{file}.rs").read_text()
        if statement not in " ".join(source.replace("\\\n", " ").split()):
            raise SystemExit(f"bench/storage: `{file}.rs` does it otherwise, bring `engines.py` up to it: {statement}")


def dangling(table, key, after, limit):
    """The entries of a lookup table after one, and of each whether its authorization is there."""
    return (
        f"SELECT {key}, id, EXISTS (SELECT 1 FROM authorizations WHERE authorizations.id = entry.id) "
        f"FROM {table} AS entry WHERE ({key}, id) > {after} ORDER BY {key}, id LIMIT {limit}"
    )


def forget(table, key):
    return f"DELETE FROM {table} WHERE " + " AND ".join(f"{name} = ?" for name in [*key.split(", "), "id"])


class Fillers:
    """Rows like one that is there, each another sign-in in another browser, the oldest first."""

    def __init__(self, rows):
        self.now = int(time.time() * 1000)
        self.first, self.rows = self.now - LIFETIME + FIRST_END, max(1, rows)
        # The youngest is a day old.
        self.span = LIFETIME - 2 * FIRST_END

    def born(self, number):
        return f"({self.first} + {self.span} * {number} / {self.rows})"

    def columns(self, columns, number, identifier, person, browser_session):
        """The SQL of each column."""
        born = self.born(number)
        changed = {
            "id": identifier,
            "user_id": person,
            "created_at": born,
            "idle_expires_at": f"{born} + {IDLE}",
            "absolute_expires_at": f"{born} + {LIFETIME}",
            "browser_session": browser_session,
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
        self.swept = {}

    def create(self, name):
        return f"sqlite://{self.path(name)}"

    def path(self, name):
        return self.folder / f"{name}.db"

    def copy(self, name, new):
        database = self.open(name)
        database.execute("VACUUM INTO ?", [str(self.path(new))])
        database.close()
        return f"sqlite://{self.path(new)}"

    def fill(self, name, rows):
        """Adds so many rows; those that were there lie evenly between them."""
        database = self.open(name)
        database.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA cache_size = -500000;")
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({TABLE})")]
        asides = self.asides(database)
        fillers = Fillers(rows)
        database.create_function("filler_id", 1, lambda born: born.to_bytes(6, "big") + os.urandom(10))
        database.create_function("person", 1, lambda number: hashlib.md5(b"%d" % (number % PEOPLE)).hexdigest())
        listed = ", ".join(columns)
        database.execute("BEGIN")
        for kind, thing, _ in asides:
            database.execute(f"DROP {kind} {thing}")
        for table, _ in LOOKUPS:
            database.execute(f"DELETE FROM {table}")
        database.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {TABLE}")
        database.execute(f"DELETE FROM {TABLE}")
        kept = [number for (number,) in database.execute("SELECT rowid FROM kept")]
        expressions = fillers.columns(columns, "n", f"filler_id({fillers.born('n')})", "person(n)", "randomblob(32)")
        for begin, end, one in slices(rows, kept):
            database.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT {begin} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end}) "
                f"INSERT INTO {TABLE} ({listed}) SELECT {expressions} FROM numbers, kept t WHERE t.rowid = {kept[0]}"
            )
            database.execute(f"INSERT INTO {TABLE} ({listed}) SELECT {listed} FROM kept WHERE rowid = {one}")
        for table, key in LOOKUPS:
            database.execute(f"INSERT INTO {table} SELECT {key}, id FROM {TABLE} WHERE browser_session IS NOT NULL ORDER BY {key}, id")
        for _, _, sql in asides:
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
        database.close()
        os.sync()

    def asides(self, database):
        """What each new row would have to keep up: made again once all rows are there."""
        query = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = ?"
        return database.execute(query, [TABLE]).fetchall()

    def count(self, name):
        return self.open(name).execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]

    def revoke_some(self, name):
        """Ends rows of any age, as people who sign out do."""
        database = self.open(name)
        (most,) = database.execute(f"SELECT max(rowid) FROM {TABLE}").fetchone()
        ended = int(time.time() * 1000) + AFTER_ALL
        revoke = f"UPDATE {TABLE} SET revoked_at = 0, revoke_reason = 2 WHERE rowid = ? AND absolute_expires_at <= {ended} AND revoked_at IS NULL"
        left = PRUNED_AT_ONCE
        while left:
            left -= database.execute(revoke, [random.randint(1, most)]).rowcount
        database.commit()
        database.close()

    def prune(self, name):
        """Milliseconds that one batch of the purge takes, its commit included."""
        database = self.open(name)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        os.sync()
        ended = int(time.time() * 1000) + AFTER_ALL
        began = time.perf_counter()
        done = database.execute(PRUNE_SQLITE.format(ended=ended, limit=PRUNED_AT_ONCE)).rowcount
        database.commit()
        spent = (time.perf_counter() - began) * 1000
        database.close()
        expect_pruned(done)
        return spent

    def leave_some_behind(self, name):
        """Removes as many of the first authorizations by person and by browser as a sweep meets that comes by every other week."""
        database = self.open(name)
        for table, key in LOOKUPS:
            first = f"SELECT id FROM {table} ORDER BY {key}, id LIMIT {10 * PRUNED_AT_ONCE}"
            database.execute(f"DELETE FROM {TABLE} WHERE id IN ({first}) AND abs(random()) % 90 < 14")
        database.commit()
        database.close()

    def sweep(self, name):
        """Milliseconds for the next batch of entries of each lookup table, and to remove those that point nowhere."""
        database = self.open(name)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        os.sync()
        began = time.perf_counter()
        found = []
        for table, key, first in [(*LOOKUPS[0], ["", "", b""]), (*LOOKUPS[1], [b"", b""])]:
            after = self.swept.get((name, table), first)
            holes = ", ".join("?" * len(after))
            entries = database.execute(dangling(table, key, f"({holes})", PRUNED_AT_ONCE), after).fetchall()
            self.swept[name, table] = list(entries[-1][:-1])
            found += [(forget(table, key), entry[:-1]) for entry in entries if not entry[-1]]
        for statement, entry in found:
            database.execute(statement, entry)
        database.commit()
        spent = (time.perf_counter() - began) * 1000
        database.close()
        return spent, len(found)

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

    def fill(self, name, rows):
        columns = self.columns(name)
        listed = ", ".join(columns)
        index_query = (
            f"SELECT i.indexrelid::regclass || '|' || pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = '{TABLE}'::regclass AND NOT i.indisprimary"
        )
        indexes = [line.split("|", 1) for line in self.psql(name, index_query).splitlines()]
        fillers = Fillers(rows)
        identifier = f"decode(lpad(to_hex({fillers.born('n')}), 12, '0') || substr(md5(n::text), 1, 20), 'hex')"
        expressions = fillers.columns(columns, "n", identifier, f"md5((n % {PEOPLE})::text)", "sha256(n::text::bytea)")
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
        self.psql(name, *[definition for _, definition in indexes], "DROP TABLE kept", f"VACUUM ANALYZE {TABLE}", "CHECKPOINT")

    def count(self, name):
        return int(self.psql(name, f"SELECT count(*) FROM {TABLE}"))

    def revoke_some(self, name):
        share = min(100, 300 * PRUNED_AT_ONCE / self.count(name))
        self.psql(
            name,
            f"UPDATE {TABLE} SET revoked_at = 0, revoke_reason = 2 WHERE id IN (SELECT id FROM {TABLE} TABLESAMPLE BERNOULLI ({share}) "
            f"WHERE absolute_expires_at <= {int(time.time() * 1000) + AFTER_ALL} ORDER BY random() LIMIT {PRUNED_AT_ONCE})",
        )

    def prune(self, name):
        ended = int(time.time() * 1000) + AFTER_ALL
        before = self.count(name)
        self.psql(name, "CHECKPOINT")
        timed = self.psql(name, "\\timing on", PRUNE_POSTGRES.format(ended=ended, limit=PRUNED_AT_ONCE))
        expect_pruned(before - self.count(name))
        line = next(line for line in timed.splitlines() if line.startswith("Time: "))
        return float(line.split()[1])

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
