# Short names for commands; the line below each works in a shell as it stands.

# Lists the recipes.
default:
    @just --list

# Formats the Rust code.
fmt:
    cargo fmt

# Lints as strictly as CI does.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Runs all Rust tests.
test:
    cargo test --workspace --locked

# Runs only the tests of the lower crates: a second, no binary, no sockets.
test-fast:
    cargo test -p hallpass-protocol -p hallpass-issuer

# Runs the pages in a real Chromium, against the binary in target/debug.
browser:
    scripts/check install browser

# Builds the API documentation.
doc:
    cargo doc --workspace --no-deps --open

# Writes docs/specs.md: which rule is tested where.
specs:
    scripts/specs

# Draws docs/terminal.svg from a real run.
picture:
    scripts/terminal-svg

# Writes docs/public-api.txt: what programs may rely on.
api:
    HALLPASS_WRITE_PUBLIC_API=1 cargo test -p hallpass-client --locked --test public_api

# Compares the library with its last released tag (needs cargo-semver-checks, and a tag).
semver:
    cargo semver-checks --package hallpass-client --baseline-rev "$(git describe --tags --abbrev=0)"

# Builds the library with each of its features alone.
features:
    cargo check --locked -p hallpass-client --no-default-features
    for feature in blocking browser keyring qr clap tower; do cargo check --locked -p hallpass-client --no-default-features --features "$feature" || exit 1; done

# Checks licences, sources and banned crates (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# Lists Rust files past 500 lines.
sizes:
    find crates -name '*.rs' -size +1 -exec wc -l {} + | awk '$1 > 500 && $2 != "total"' | sort -rn

# Fuzzes the readers of what comes from outside, each for a minute.
fuzz:
    fuzz/run --seconds 60

# Measures the server beside others, beside the bare framework, and on its databases (docs/performance.md).
bench:
    cargo build --profile dist --locked -p hallpass
    bench/run
    bench/storage
    bench/cached-token

# What takes too long for each commit: the long stories, and the whole measurement with the lints of its programs.
nightly: features
    cargo build --release --locked -p hallpass
    cargo test --release --locked -p hallpass-testing --test stories -- --ignored --nocapture
    cargo build --profile dist --locked -p hallpass
    bench/cached-token
    cargo fmt --check --manifest-path bench/Cargo.toml --all
    cargo clippy --manifest-path bench/Cargo.toml --all-targets --locked -- -D warnings
    bench/run
    bench/storage

# Starts the server for development on http://localhost:8080.
dev:
    cargo run -- serve --dev

# What to run before each commit.
check:
    scripts/check format papers test lint docs

# Everything that must pass, installing what it needs.
ci:
    scripts/check
