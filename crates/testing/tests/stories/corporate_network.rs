//! Signing in from the network of a company: an authority of its own, proxies with and without a
//! password, and one that looks into everything.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use hallpass_server::Settings;
use hallpass_testing::TestServer;
use hallpass_testing::corporate::{Authority, CorporateProxy, HttpsFront, Identity};

use crate::home::{Home, Ran};
use crate::server_process::Server;

const ROOT: &str = "Zscaler Root CA";
const HOST: &str = "login.corp.test";

/// A server that is reached with TLS under a name of this machine.
struct Https {
    _server: Server,
    front: HttpsFront,
}

impl Https {
    fn start(identity: Identity) -> Self {
        let server = Server::start();
        let front = HttpsFront::start(identity, address_of(&server.url));
        Self {
            _server: server,
            front,
        }
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.front.address().port())
    }

    fn issuer(&self) -> String {
        format!("https://{}/default", self.host())
    }
}

fn address_of(url: &str) -> SocketAddr {
    let url = url::Url::parse(url).unwrap();
    SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()))
}

/// The program, signing in as itself.
fn robot<'a>(home: &Home, issuer: &'a str, more: &[&'a str]) -> std::process::Command {
    home.write("secret", "robot-secret");
    let words = [
        &[
            "login",
            "--flow",
            "client-credentials",
            "--issuer",
            issuer,
            "--client-id",
            "robot",
            "--client-secret-file",
            "secret",
            "--scope",
            "api",
            "--force",
        ],
        more,
    ]
    .concat();
    home.hallpass(&words)
}

fn ran(mut command: std::process::Command, variables: &[(&str, &str)]) -> Ran {
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

#[test]
fn c_44_an_unknown_authority_is_named_and_trusted_only_where_somebody_says_so() {
    let root = Authority::named(ROOT);
    let https = Https::start(
        root.below("Zscaler Intermediate 7")
            .identity(&["localhost"]),
    );
    let (issuer, home) = (https.issuer(), Home::new());
    let refused = ran(robot(&home, &issuer, &[]), &[]);
    assert_eq!(refused.code, Some(8), "{refused}");
    let expected = format!(
        "hallpass: cannot verify {}: certificate issued by \"{ROOT}\" is not trusted\n  hint: \
         SSL_CERT_FILE=FILE, ca_bundle in the profile, or install it in the system store\n",
        https.host()
    );
    assert_eq!(refused.stderr, expected);

    let pem = home.write("corp.pem", &root.pem());
    let other = home.write("other.pem", &Authority::named("Other").pem());
    std::fs::create_dir(home.path("certs")).unwrap();
    home.write("certs/5ed36f99.0", &root.pem());
    let folder = home.path("certs").display().to_string();
    for (flags, variables) in [
        (&["--ca-bundle", "corp.pem"][..], &[][..]),
        (&[], &[("HALLPASS_CA_BUNDLE", pem.as_str())]),
        (&[], &[("SSL_CERT_FILE", pem.as_str())]),
        (&[], &[("SSL_CERT_DIR", folder.as_str())]),
        // It is added to what is trusted anyhow.
        (&["--ca-bundle", &other], &[("SSL_CERT_FILE", pem.as_str())]),
        // The flag wins over the variable.
        (
            &["--ca-bundle", &pem],
            &[("HALLPASS_CA_BUNDLE", other.as_str())],
        ),
    ] {
        let home = Home::new();
        home.write("corp.pem", &root.pem());
        let accepted = ran(robot(&home, &issuer, flags), variables);
        assert_eq!(
            accepted.code,
            Some(0),
            "{flags:?} {variables:?}: {accepted}"
        );
    }
    for (flags, variables) in [
        (&["--ca-bundle", other.as_str()][..], &[][..]),
        (&[], &[("SSL_CERT_FILE", other.as_str())]),
        (
            &["--ca-bundle", &other],
            &[("HALLPASS_CA_BUNDLE", pem.as_str())],
        ),
    ] {
        let refused = ran(robot(&Home::new(), &issuer, flags), variables);
        assert_eq!(refused.code, Some(8), "{flags:?} {variables:?}: {refused}");
    }
}

#[test]
fn a_profile_names_its_authority_and_what_a_flag_named_is_remembered() {
    let root = Authority::named(ROOT);
    let https = Https::start(root.identity(&["localhost"]));
    let issuer = https.issuer();
    let home = Home::new();
    home.write("corp.pem", &root.pem());
    let config = format!(
        "version = 1\n[profile.work]\nissuer = \"{issuer}\"\nclient_id = \"robot\"\n\
         flow = \"client-credentials\"\nscopes = [\"api\"]\nca_bundle = \"corp.pem\"\n\
         client_secret = {{ file = \"secret\" }}\n"
    );
    home.write("secret", "robot-secret");
    home.write("config.toml", &config);
    home.runs(&["token", "work"]);
    let shown = home.runs(&["profile", "show", "work", "--origin"]).stdout;
    let line = shown.lines().find(|line| line.starts_with("ca_bundle"));
    assert!(
        line.is_some_and(|line| line.contains("config.toml")),
        "{shown}"
    );

    // The next command runs in another folder, and without the flag.
    let home = Home::new();
    home.write("corp.pem", &root.pem());
    let flag = ["--ca-bundle", "corp.pem"];
    assert_eq!(ran(robot(&home, &issuer, &flag), &[]).code, Some(0));
    std::fs::create_dir(home.path("below")).unwrap();
    let mut token = home.hallpass(&["token", "--refresh"]);
    token.current_dir(home.path("below"));
    let answered = ran(token, &[]);
    assert_eq!(answered.code, Some(0), "{answered}");
}

#[test]
fn c_44_expired_early_and_foreign_certificates_say_what_they_are() {
    let root = Authority::named(ROOT);
    for (identity, reason, hint) in [
        (
            root.expired(&["localhost"]),
            "its certificate expired on 2021-03-04",
            "the server's operator must renew it; check this machine's clock too",
        ),
        (
            root.not_yet_valid(&["localhost"]),
            "its certificate is valid only from 2097-05-06",
            "check this machine's clock",
        ),
        (
            root.identity(&["portal.corp.test", "www.corp.test"]),
            "its certificate is for portal.corp.test, www.corp.test, not for localhost",
            "check the address; something else may answer under this name",
        ),
    ] {
        let (https, home) = (Https::start(identity), Home::new());
        let pem = home.write("corp.pem", &root.pem());
        let refused = ran(robot(&home, &https.issuer(), &["--ca-bundle", &pem]), &[]);
        let expected = format!(
            "hallpass: cannot verify {}: {reason}\n  hint: {hint}\n",
            https.host()
        );
        assert_eq!(
            (refused.code, refused.stderr.as_str()),
            (Some(8), expected.as_str())
        );
    }
}

#[test]
fn a_bundle_that_cannot_be_used_is_a_matter_of_configuration() {
    let https = Https::start(Authority::named(ROOT).identity(&["localhost"]));
    let (issuer, home) = (https.issuer(), Home::new());
    let empty = home.write("empty.pem", "no certificate\n");
    let broken = home.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
    );
    for (file, words) in [
        (
            home.path("none.pem").display().to_string(),
            "cannot read the certificates of",
        ),
        (
            home.path("").display().to_string(),
            "cannot read the certificates of",
        ),
        (empty, "holds no certificate"),
        (broken, "are malformed"),
    ] {
        let refused = ran(robot(&home, &issuer, &["--ca-bundle", &file]), &[]);
        assert_eq!(refused.code, Some(5), "{refused}");
        assert!(refused.stderr.contains(words), "{refused}");
        assert!(
            refused.stderr.contains("hint: name a file of certificates"),
            "{refused}"
        );
    }
}

/// A server behind a name that only the company's proxy can look up.
struct Company {
    server: TestServer,
    root: Authority,
    home: Home,
    pem: String,
}

impl Company {
    async fn found() -> Self {
        let settings = Settings {
            hostname: Some(HOST.to_owned()),
            ..Settings::for_tests()
        };
        let server = TestServer::start(settings).await;
        let (ours, theirs) = (SystemClock.now(), server.clock.now());
        server.advance(ours.since(theirs).as_secs());
        let (root, home) = (Authority::named("Corp Internal CA"), Home::new());
        let pem = home.write("corp.pem", &root.pem());
        Self {
            server,
            root,
            home,
            pem,
        }
    }

    /// Opens tunnels to the server's own TLS.
    fn proxy(&self) -> CorporateProxy {
        let plain = address_of(&self.server.url("/"));
        let front = HttpsFront::start(self.root.identity(&[HOST]), plain);
        CorporateProxy::start(front.address())
    }

    async fn login(&self, flags: &[&str], variables: &[(&str, &str)]) -> Ran {
        let issuer = format!("https://{HOST}/default");
        let flags = [&["--ca-bundle", &self.pem], flags].concat();
        let mut command = robot(&self.home, &issuer, &flags);
        command.envs(variables.iter().copied());
        // The server answers on this runtime.
        let output = tokio::task::spawn_blocking(move || command.output());
        output.await.unwrap().unwrap().into()
    }
}

#[tokio::test]
async fn every_variable_and_the_flag_lead_through_the_proxy() {
    let company = Company::found().await;
    let dead = "http://127.0.0.1:1";
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "--proxy",
    ] {
        let proxy = company.proxy();
        let url = proxy.url();
        let done = if name == "--proxy" {
            company.login(&[name, &url], &[("HTTPS_PROXY", dead)]).await
        } else {
            company.login(&[], &[(name, url.as_str())]).await
        };
        assert_eq!(done.code, Some(0), "{name}: {done}");
        let seen = proxy.seen();
        assert!(!seen.is_empty(), "{name}");
        for tunnel in seen {
            assert_eq!(tunnel.to, format!("{HOST}:443"), "{name}");
            assert_eq!(tunnel.credentials, None, "{name}");
        }
    }
}

#[tokio::test]
async fn no_proxy_is_obeyed_and_what_it_names_is_not_found_without_one() {
    let company = Company::found().await;
    for list in ["*", "corp.test", ".corp.test", "x,login.corp.test:443"] {
        let proxy = company.proxy();
        let url = proxy.url();
        for flags in [&[][..], &["--proxy", &url]] {
            let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", list)];
            let done = company.login(flags, &variables).await;
            assert_eq!(done.code, Some(7), "{list}: {done}");
            let expected = format!("hallpass: cannot reach {HOST} (");
            assert!(done.stderr.starts_with(&expected), "{list}: {done}");
            assert_eq!(proxy.seen(), [], "{list}");
        }
    }
    // Another port is another place.
    let proxy = company.proxy();
    let url = proxy.url();
    let variables = [
        ("HTTPS_PROXY", url.as_str()),
        ("no_proxy", "login.corp.test:8443"),
    ];
    assert_eq!(company.login(&[], &variables).await.code, Some(0));
}

#[tokio::test]
async fn c_49_the_password_of_a_proxy_is_sent_to_it_and_shown_to_nobody() {
    let company = Company::found().await;
    let (user, password) = ("alice", "canary:p@ss%word");
    let encoded = "canary%3Ap%40ss%25word";
    let proxy = company.proxy().wants(&format!("{user}:{password}"));
    let url = format!("http://{user}:{encoded}@{}", proxy.address());
    let loud = ["-vvv", "--trace", "trace"];
    let variables = [("HTTPS_PROXY", url.as_str()), ("HALLPASS_LOG", "trace")];
    let done = company.login(&loud, &variables).await;
    assert_eq!(done.code, Some(0), "{done}");
    let credentials = Some(format!("{user}:{password}"));
    assert!(
        proxy
            .seen()
            .iter()
            .all(|tunnel| tunnel.credentials == credentials)
    );
    let mut told = format!("{done}");
    told += &std::fs::read_to_string(company.home.path("trace")).unwrap();

    // A wrong one, none, and the diagnosis.
    let wrong = format!("http://{user}:canary-wrong@{}", proxy.address());
    for address in [wrong, proxy.url()] {
        let variables = [("HTTPS_PROXY", address.as_str()), ("HALLPASS_LOG", "trace")];
        let refused = company.login(&["-vvv"], &variables).await;
        assert_eq!(refused.code, Some(7), "{refused}");
        let text = format!(
            "hallpass: cannot reach {HOST} (the proxy {} asks for a user and password: status 407)\n",
            proxy.url()
        );
        assert!(refused.stderr.contains(&text), "{refused}");
        let hint = "hint: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT\n";
        assert!(refused.stderr.ends_with(hint), "{refused}");
        told += &refused.to_string();
    }
    for words in [&["doctor"][..], &["profile", "show", "--origin"]] {
        let mut command = company.home.hallpass(&[words, &["--proxy", &url]].concat());
        command.env("HTTPS_PROXY", &url);
        let output = tokio::task::spawn_blocking(move || command.output());
        told += &Ran::from(output.await.unwrap().unwrap()).to_string();
    }
    assert!(told.contains("TRACE"), "{told}");
    for secret in ["canary", encoded, password, "YWxpY2U6"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_named() {
    let company = Company::found().await;
    let refusing = company.proxy().refuses();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gone = format!("http://{free}");
    for (proxy, reason) in [
        (
            refusing.url(),
            format!("the proxy {} refused to connect", refusing.url()),
        ),
        (
            gone.clone(),
            format!("the proxy {gone} cannot be reached: connection refused"),
        ),
    ] {
        let done = company.login(&[], &[("HTTPS_PROXY", &proxy)]).await;
        assert_eq!(done.code, Some(7), "{done}");
        let expected = format!("hallpass: cannot reach {HOST} ({reason})\n");
        assert!(done.stderr.starts_with(&expected), "{done}");
        assert!(done.stderr.contains("NO_PROXY"), "{done}");
    }
    for bad in [
        "ftp://u:canary@h:1",
        "http://u:canary@:1",
        "http://u:canary@h:99999",
    ] {
        let done = company.login(&["--proxy", bad], &[]).await;
        assert_eq!(done.code, Some(5), "{done}");
        assert!(!done.stderr.contains("canary"), "{done}");
        assert!(
            done.stderr.contains("the proxy's address cannot be used: "),
            "{done}"
        );
    }
}

#[tokio::test]
async fn c_44_a_proxy_that_looks_into_tls_is_refused_until_its_authority_is_trusted() {
    let company = Company::found().await;
    let theirs = Authority::named(ROOT);
    let plain = address_of(&company.server.url("/"));
    let proxy = CorporateProxy::start(plain).intercepts(&theirs);
    let url = proxy.url();
    let variables = [("HTTPS_PROXY", url.as_str())];
    let refused = company.login(&[], &variables).await;
    assert_eq!(refused.code, Some(8), "{refused}");
    let expected = format!(
        "hallpass: cannot verify {HOST}: certificate issued by \"{ROOT}\" is not trusted\n"
    );
    assert!(refused.stderr.starts_with(&expected), "{refused}");
    let pem = company.home.write("zscaler.pem", &theirs.pem());
    let variables = [
        ("HTTPS_PROXY", url.as_str()),
        ("SSL_CERT_FILE", pem.as_str()),
    ];
    let accepted = company.login(&[], &variables).await;
    assert_eq!(accepted.code, Some(0), "{accepted}");
}

#[test]
fn c_44_this_machine_is_never_reached_through_a_proxy() {
    let (server, home) = (Server::start(), Home::new());
    let proxy = CorporateProxy::start(address_of(&server.url));
    let url = proxy.url();
    let variables =
        ["HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, url.as_str()));
    let done = ran(robot(&home, &server.issuer, &["--proxy", &url]), &variables);
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(proxy.seen(), []);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    // Accepts, and says nothing: neither TLS nor HTTP.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let home = Home::new();
    for scheme in ["http", "https"] {
        let issuer = format!("{scheme}://{address}/default");
        let began = SystemClock.now();
        let done = ran(robot(&home, &issuer, &[]), &[]);
        assert_eq!(done.code, Some(7), "{done}");
        let expected = format!("hallpass: cannot reach {address} (timeout 10 s)\n");
        assert!(done.stderr.starts_with(&expected), "{done}");
        assert!(SystemClock.now().since(began) < Duration::from_secs(25));
    }
}
