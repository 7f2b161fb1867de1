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

# Checks licences, sources and banned crates (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# Lists Rust files past 500 lines.
sizes:
    find crates -name '*.rs' -size +1 -exec wc -l {} + | awk '$1 > 500 && $2 != "total"' | sort -rn

# Measures the server beside others and beside the bare framework (docs/performance.md).
bench:
    cargo build --release --locked -p hallpass
    bench/run
    cargo build --profile dist --locked -p hallpass
    bench/cached-token

# What takes too long for each commit: the long stories, and the whole measurement with the lints of its programs.
nightly:
    cargo build --release --locked -p hallpass
    cargo test --release --locked -p hallpass-testing --test stories -- --ignored --nocapture
    cargo build --profile dist --locked -p hallpass
    bench/cached-token
    cargo fmt --check --manifest-path bench/Cargo.toml --all
    cargo clippy --manifest-path bench/Cargo.toml --all-targets --locked -- -D warnings
    bench/run

# Starts the server for development on http://localhost:8080.
dev:
    cargo run -- serve --dev

# What to run before each commit.
check:
    scripts/check format papers test lint docs

# Everything that must pass, installing what it needs.
ci:
    scripts/check
