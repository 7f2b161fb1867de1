//! git, kubectl and docker themselves ask for tokens, and show them to a host.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_testing::corporate::{Authority, HttpsFront};
use hallpass_testing::{Terminal, claims_of, pty};
use serde_json::json;

use crate::home::{Home, Ran};
use crate::server_process::{Server, user_code};

/// A host that wants a token, reached by https under two names of this machine.
struct Host {
    port: u16,
    /// The certificate of its authority.
    pem: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    folder: PathBuf,
    /// What came as `Authorization`, each once.
    seen: Mutex<BTreeSet<String>>,
    refused: Mutex<BTreeSet<String>>,
}

impl Host {
    /// Starts one that gives the files of a folder to whoever shows a token.
    fn start(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            folder,
            ..State::default()
        });
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // Who hangs up has what they wanted.
                drop(client.and_then(|client| served.serve(client)));
            }
        });
        let root = Authority::named("Helper Test Root");
        let front = HttpsFront::start(root.identity(&["localhost", "127.0.0.1"]), address);
        Self {
            port: front.address().port(),
            pem: root.pem(),
            state,
        }
    }

    fn name(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Every token that it was shown, without the name that came with it.
    fn tokens(&self) -> Vec<String> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter().map(|header| token_of(header)).collect()
    }

    fn forget_tokens(&self) {
        self.state.seen.lock().unwrap().clear();
    }

    /// From now on this token is not good any more.
    fn refuses(&self, token: &str) {
        self.state.refused.lock().unwrap().insert(token.to_owned());
    }
}

impl State {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? > 0 {
            head.extend(byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(['?', ' ']).nth(1).unwrap_or_default();
        let header = head.lines().filter_map(|line| line.split_once(": "));
        let mut header = header.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let shown = header.next().map(|(_, value)| value.to_owned());
        let is_good = shown.as_ref().is_some_and(|shown| {
            self.seen.lock().unwrap().insert(shown.clone());
            let token = token_of(shown);
            !token.is_empty() && !self.refused.lock().unwrap().contains(&token)
        });
        let file = std::fs::read(self.folder.join(path.trim_start_matches('/')));
        let (status, body) = match (is_good, file) {
            (false, _) => ("401 Unauthorized", Vec::new()),
            (true, Ok(body)) => ("200 OK", body),
            (true, Err(_)) if path == "/v2/" => ("200 OK", b"{}".to_vec()),
            (true, Err(_)) => ("404 Not Found", Vec::new()),
        };
        let kind = if path.contains("/manifests/") {
            MANIFEST
        } else {
            "application/octet-stream"
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nWWW-Authenticate: Basic realm=\"here\"\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        client.write_all(&[head.into_bytes(), body].concat())
    }
}

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The token of `Bearer …`, or the password of `Basic …`.
fn token_of(header: &str) -> String {
    match header.split_once(' ') {
        Some(("Basic", pair)) => {
            let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
            pair.split_once(':').unwrap().1.to_owned()
        }
        Some(("Bearer", token)) => token.to_owned(),
        _ => panic!("{header}"),
    }
}

/// Another program of this user, who has `hallpass` on the path.
pub(crate) fn program(home: &Home, program: &str, words: &[&str]) -> Command {
    let bin = home.path("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        symlink(pty::hallpass(), bin.join("hallpass")).unwrap();
    }
    let mut command = home.program(program, words);
    command
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
        )
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_SSL_CAINFO", home.path("root.pem"))
        .env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn ran(home: &Home, name: &str, words: &[&str]) -> Ran {
    program(home, name, words).output().unwrap().into()
}

pub(crate) fn goes(home: &Home, name: &str, words: &[&str]) -> Ran {
    let ran = ran(home, name, words);
    assert_eq!(ran.code, Some(0), "{name} {words:?}: {ran}");
    ran
}

/// Whether this machine has the program. Where it has not, the bytes of its protocol are tested all the
/// same: `crates/cli/tests/it/other_helpers.rs`.
#[expect(
    clippy::print_stderr,
    reason = "what is not tested here is not passed over in silence"
)]
pub(crate) fn is_installed(home: &Home, name: &str, words: &[&str]) -> bool {
    let is_there = program(home, name, words)
        .output()
        .is_ok_and(|it| it.status.success());
    if !is_there {
        eprintln!("{name} is not installed: only the bytes of its protocol are tested");
    }
    is_there
}

/// Signs ada in with a device code.
async fn sign_in(server: &Server, home: &Home, more: &[&str]) {
    let terminal = home.types(&server.login(&[&["--device"], more].concat()));
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

/// A repository as a plain web server gives it: files, and a list of them.
fn repository(home: &Home) -> PathBuf {
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
        goes(home, "git", &[&identity[..], words].concat());
    };
    git(&["init", "--quiet", "source"]);
    git(&[
        "-C",
        "source",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "first",
    ]);
    git(&["clone", "--quiet", "--bare", "source", "web/repo.git"]);
    git(&["-C", "web/repo.git", "update-server-info"]);
    home.path("web")
}

#[tokio::test]
async fn c_76_and_a_111_git_fetches_with_a_token_from_the_host_of_setup_and_from_no_other() {
    let (server, home) = (Server::start(), Home::new());
    let host = Host::start(repository(&home));
    home.write("root.pem", &host.pem);
    // What the user has for every host would keep what it is told.
    let own = "[credential]\n\thelper = store\n";
    home.write(".gitconfig", own);
    sign_in(&server, &home, &["--no-dpop"]).await;
    goes(&home, "hallpass", &["setup", "git", &host.name()]);

    let url = format!("https://{}/repo.git", host.name());
    goes(&home, "git", &["clone", "--quiet", &url, "copy"]);
    let token = home.runs(&["token"]).line().to_owned();
    assert_eq!(host.tokens(), std::slice::from_ref(&token));
    assert!(server.is_active(&token).await);
    assert!(!home.path(".git-credentials").exists());

    // The host refuses it: git says so, and the next fetch has another one.
    host.refuses(&token);
    assert_ne!(ran(&home, "git", &["-C", "copy", "fetch"]).code, Some(0));
    host.forget_tokens();
    goes(&home, "git", &["-C", "copy", "fetch", "--quiet"]);
    let next = home.runs(&["token"]).line().to_owned();
    assert_eq!(host.tokens(), std::slice::from_ref(&next));
    assert!(next != token && server.is_active(&next).await);

    // The same machine by another name, asked on purpose, and user names that look like the host.
    host.forget_tokens();
    let (port, helper) = (host.port, "credential.helper=!hallpass credential git");
    for other in [
        format!("https://127.0.0.1:{port}/repo.git"),
        format!("https://localhost@127.0.0.1:{port}/repo.git"),
        format!("https://localhost%3A{port}%0a@127.0.0.1:{port}/repo.git"),
    ] {
        let words = [
            "-c",
            "credential.helper=",
            "-c",
            helper,
            "ls-remote",
            &other,
        ];
        let refused = ran(&home, "git", &words);
        assert_ne!(refused.code, Some(0), "{other}: {refused}");
    }
    assert!(
        host.tokens().iter().all(String::is_empty),
        "{:?}",
        host.tokens()
    );

    // git 2.39 asks a helper that is found by its name, too.
    symlink(pty::hallpass(), home.path("bin/git-credential-hallpass")).unwrap();
    let words = [
        "-c",
        "credential.helper=",
        "-c",
        "credential.helper=hallpass",
        "ls-remote",
        &url,
    ];
    goes(&home, "git", &words);

    home.runs(&["logout"]);
    let gone = ran(&home, "git", &["-C", "copy", "fetch"]);
    assert_ne!(gone.code, Some(0));
    let line = format!(
        "hallpass: sign-in required for {}; run `hallpass login` (helpers do not open a browser)\n",
        host.name()
    );
    assert!(gone.stderr.starts_with(&line), "{gone}");
    assert!(!gone.stderr.contains("could not read Username"), "{gone}");

    goes(&home, "hallpass", &["setup", "git", &host.name(), "--undo"]);
    assert_eq!(
        std::fs::read_to_string(home.path(".gitconfig")).unwrap(),
        own
    );
}

/// A cluster that is healthy, and the context `dev.one` that leads to it.
struct Cluster {
    host: Host,
    root: String,
}

impl Cluster {
    fn start(home: &Home) -> Self {
        std::fs::create_dir(home.path("api")).unwrap();
        home.write("api/healthz", "ok");
        let host = Host::start(home.path("api"));
        let root = home.write("root.pem", &host.pem);
        let cluster = Self { host, root };
        cluster.is_at(home, &cluster.host.name());
        let user = ["config", "set-credentials", "before", "--token=kept"];
        goes(home, "kubectl", &user);
        let context = ["config", "set-context", "dev.one"];
        let context = [&context[..], &["--cluster=one", "--user=before"]].concat();
        goes(home, "kubectl", &context);
        cluster
    }

    fn is_at(&self, home: &Home, name: &str) {
        let server = format!("--server=https://{name}");
        let root = format!("--certificate-authority={}", self.root);
        let words = ["config", "set-cluster", "one", &server, &root];
        goes(home, "kubectl", &words);
    }
}

fn kubeconfig(home: &Home) -> String {
    std::fs::read_to_string(home.path(".kube/config")).unwrap()
}

const SETUP: [&str; 3] = ["setup", "kubectl", "dev.one"];
const ASKS: [&str; 4] = ["--context=dev.one", "get", "--raw", "/healthz"];

#[tokio::test]
async fn kubectl_shows_the_id_token_to_the_cluster_of_setup_and_to_no_other() {
    let (server, home) = (Server::start(), Home::new());
    if !is_installed(&home, "kubectl", &["version", "--client"]) {
        return;
    }
    let cluster = Cluster::start(&home);
    let host = &cluster.host;
    sign_in(&server, &home, &[]).await;
    goes(&home, "hallpass", &SETUP);
    // Some builds of kubectl look at the server before they touch its context.
    host.forget_tokens();
    assert_eq!(goes(&home, "kubectl", &ASKS).stdout, "ok");
    let id_token = home.runs(&["token", "--type", "id"]).line().to_owned();
    assert_eq!(claims_of(&id_token)["aud"], "story-cli");
    assert_eq!(host.tokens(), [id_token]);

    // With the other token, for clusters that want it; it is bound to no key then.
    sign_in(&server, &home, &["--no-dpop", "--force"]).await;
    let access = [&SETUP[..], &["--token-type", "access"]].concat();
    goes(&home, "hallpass", &access);
    host.forget_tokens();
    goes(&home, "kubectl", &ASKS);
    assert_eq!(host.tokens(), [home.runs(&["token"]).line().to_owned()]);

    // The same context, led to another host.
    host.forget_tokens();
    cluster.is_at(&home, &format!("127.0.0.1:{}", host.port));
    let refused = ran(&home, "kubectl", &ASKS);
    assert_ne!(refused.code, Some(0));
    let says = "no profile is set up for https://127.0.0.1:";
    assert!(refused.stderr.contains(says), "{refused}");
    assert_eq!(host.tokens(), Vec::<String>::new());
}

#[test]
fn kubectl_is_told_once_and_untold() {
    let home = Home::new();
    if !is_installed(&home, "kubectl", &["version", "--client"]) {
        return;
    }
    let profile = "[profile.default]\nissuer = \"https://as.test\"\nclient_id = \"c\"\n";
    home.write("config.toml", profile);
    let cluster = Cluster::start(&home);
    // Whoever may be the server gets no token.
    let unchecked = ["config", "set-cluster", "one"];
    let unchecked = [&unchecked[..], &["--insecure-skip-tls-verify=true"]].concat();
    goes(&home, "kubectl", &unchecked);
    let refused = ran(&home, "hallpass", &SETUP);
    assert_eq!(refused.code, Some(5), "{refused}");
    cluster.is_at(&home, &cluster.host.name());
    let checked = ["config", "set-cluster", "one"];
    let checked = [&checked[..], &["--insecure-skip-tls-verify=false"]].concat();
    goes(&home, "kubectl", &checked);

    let before = kubeconfig(&home);
    let shown = goes(&home, "hallpass", &[&SETUP[..], &["--dry-run"]].concat());
    let says = "- user = before\n  + user = hallpass-dev.one\n";
    assert!(shown.stdout.contains(says), "{shown}");
    assert_eq!(kubeconfig(&home), before);
    goes(&home, "hallpass", &SETUP);
    let after = kubeconfig(&home);
    assert_ne!(after, before);
    let again = goes(&home, "hallpass", &SETUP);
    assert!(again.stderr.contains("already"), "{again}");
    assert_eq!(kubeconfig(&home), after);
    goes(&home, "hallpass", &[&SETUP[..], &["--undo"]].concat());
    assert_eq!(kubeconfig(&home), before);

    let missing = ran(&home, "hallpass", &["setup", "kubectl", "dev.on"]);
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(
        missing.stderr.contains("did you mean `dev.one`?"),
        "{missing}"
    );
    // A user of that name whom somebody else made.
    let theirs = ["config", "set-credentials", "hallpass-dev.one", "--token=x"];
    goes(&home, "kubectl", &theirs);
    let refused = ran(&home, "hallpass", &SETUP);
    assert_eq!(refused.code, Some(5), "{refused}");
    assert!(refused.stderr.contains("another user"), "{refused}");
}

#[tokio::test]
async fn docker_shows_the_token_to_the_registry_of_setup_and_to_no_other() {
    let (server, home) = (Server::start(), Home::new());
    if !is_installed(&home, "docker", &["--version"]) {
        return;
    }
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2,
                   "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
    });
    std::fs::create_dir_all(home.path("v2/ada/x/manifests")).unwrap();
    std::fs::create_dir_all(home.path("v2/ada/x/blobs")).unwrap();
    home.write("v2/ada/x/manifests/latest", &manifest.to_string());
    let config =
        "v2/ada/x/blobs/sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    home.write(config, "{}");
    let host = Host::start(home.path(""));
    sign_in(&server, &home, &["--no-dpop"]).await;
    goes(&home, "hallpass", &["setup", "docker", &host.name()]);

    // Without a daemon: docker itself asks the registry.
    let inspect = |name: &str| {
        ran(
            &home,
            "docker",
            &[
                "manifest",
                "inspect",
                "--insecure",
                &format!("{name}/ada/x:latest"),
            ],
        )
    };
    let seen = inspect(&host.name());
    assert_eq!(
        host.tokens(),
        [home.runs(&["token"]).line().to_owned()],
        "{seen}"
    );
    assert!(seen.stdout.contains(MANIFEST), "{seen}");

    host.forget_tokens();
    let refused = inspect(&format!("127.0.0.1:{}", host.port));
    assert_ne!(refused.code, Some(0), "{refused}");
    assert_eq!(host.tokens(), Vec::<String>::new());
    goes(
        &home,
        "hallpass",
        &["setup", "docker", &host.name(), "--undo"],
    );
    assert!(!home.path("bin/docker-credential-hallpass").exists());
}

#[tokio::test]
async fn a_helper_signs_in_only_where_the_profile_lets_it_and_somebody_is_there() {
    let (server, home) = (Server::start(), Home::new());
    let config = |may_prompt: bool| {
        home.write(
            "config.toml",
            &format!(
                "[profile.work]\nissuer = \"{}\"\nclient_id = \"story-cli\"\nflow = \"device\"\ndpop = \"off\"\n\
                 helpers_may_prompt = {may_prompt}\nhelpers = {{ git = [\"https://git.example.com\"] }}\n",
                server.issuer
            ),
        );
    };
    let asks = "printf 'protocol=https\\nhost=git.example.com\\n\\n' | hallpass credential git get >answer";
    let terminal = || Terminal::start(program(&home, "sh", &["-c", asks]), 100, 30);
    let answer = || std::fs::read_to_string(home.path("answer")).unwrap();

    config(false);
    let ended = terminal().end();
    assert_eq!(ended.code, Some(4), "{}", ended.text);
    assert!(
        ended.text.contains("helpers do not open a browser"),
        "{}",
        ended.text
    );
    assert_eq!(answer(), "quit=1\n");

    config(true);
    let asked = terminal();
    let code = asked.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = asked.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let token = home.runs(&["token", "work"]).line().to_owned();
    assert!(answer().starts_with(&format!("username=oauth2\npassword={token}\n")));
}
