//! `hallpass serve` reads its certificate again at SIGHUP, as a program that renews one asks for: new
//! connections see the new one, running ones go on, and files that cannot be used change nothing.

use std::path::Path;

use hallpass_testing::corporate::Authority;
use reqwest::Client;
use reqwest::tls::TlsInfo;

use crate::production::{Database, Production};

/// A server that speaks HTTPS itself, and the authority of its certificates.
fn prepare(authority: &Authority) -> Production {
    let mut server = Production::prepare(Database::File, &[]);
    renew(&server, authority.pem_files(&["localhost"]));
    let https = server.url.replace("http://", "https://");
    let settings = server.settings().replace(&server.url, &https);
    let tls = "[tls]\ncert = \"tls.crt\"\nkey = \"tls.key\"\n";
    server.configure(&format!("{settings}{tls}"));
    server.url = https;
    server.start_again();
    server
}

/// Writes both files, as a program does that renews certificates.
fn renew(server: &Production, [certificate, key]: [String; 2]) {
    server.home.write("tls.crt", &certificate);
    server.home.write("tls.key", &key);
}

/// Sends SIGHUP; what the server says of it, up to a line with this in it.
async fn reload(server: &Production, until: &str) -> String {
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, until).await
}

/// A program that trusts the authority and has no connection yet.
fn program(authority: &Authority) -> Client {
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let builder = Client::builder().tls_certs_only([root]).tls_info(true);
    builder.no_proxy().build().unwrap()
}

/// The certificate that the server shows on this program's connection.
async fn shown(server: &Production, program: &Client) -> Vec<u8> {
    let answer = program.get(format!("{}/livez", server.url)).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    let info = answer.extensions().get::<TlsInfo>().unwrap();
    let certificate = info.peer_certificate().unwrap().to_vec();
    // A body that is read leaves the connection for the next request.
    answer.bytes().await.unwrap();
    certificate
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_counts_from_the_next_connection_on() {
    let authority = Authority::named("Story Root");
    let server = prepare(&authority);
    let running = program(&authority);
    let first = shown(&server, &running).await;
    assert_eq!(shown(&server, &program(&authority)).await, first);

    renew(&server, authority.pem_files(&["localhost"]));
    assert_eq!(
        shown(&server, &program(&authority)).await,
        first,
        "nobody told the server"
    );
    reload(&server, "config.loaded").await;
    let second = shown(&server, &program(&authority)).await;
    assert_ne!(second, first);
    assert_eq!(
        shown(&server, &running).await,
        first,
        "the running connection goes on"
    );

    // An authority between: the server presents it too, or nobody would trust it.
    let below = authority.below("Story Issuing CA");
    renew(&server, below.pem_files(&["localhost"]));
    reload(&server, "config.loaded").await;
    let third = shown(&server, &program(&authority)).await;
    assert!(third != first && third != second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificate_files_that_cannot_be_used_leave_the_old_certificate_and_are_named() {
    let authority = Authority::named("Story Root");
    let server = prepare(&authority);
    let running = program(&authority);
    let before = shown(&server, &running).await;
    let folder = server.home.path("");
    let place = |name: &str| folder.join(name).display().to_string();
    let [certificate, key] = authority.pem_files(&["localhost"]);
    let [_, of_another] = authority.pem_files(&["localhost"]);
    let half = certificate.chars().take(certificate.len() / 2).collect();
    let (cert_file, key_file) = (place("tls.crt"), place("tls.key"));
    let both = format!("`{cert_file}` and `{key_file}`, which do not go together");
    for (files, named, problem) in [
        ([half, key.clone()], &cert_file, "breaks off before its end"),
        (
            [String::new(), key.clone()],
            &cert_file,
            "holds no certificate",
        ),
        (
            [key.clone(), key.clone()],
            &cert_file,
            "holds no certificate",
        ),
        (
            [certificate.clone(), String::new()],
            &key_file,
            "holds no private key",
        ),
        ([certificate.clone(), of_another], &key_file, both.as_str()),
    ] {
        renew(&server, files);
        is_refused(&server, named, problem).await;
        assert_eq!(
            shown(&server, &program(&authority)).await,
            before,
            "{problem}"
        );
    }
    renew(&server, [certificate, key.clone()]);
    std::fs::remove_file(Path::new(&key_file)).unwrap();
    is_refused(&server, &key_file, "cannot be read").await;
    assert_eq!(shown(&server, &running).await, before);

    // Whoever reads the log learns no key.
    let secret = key.lines().nth(1).unwrap();
    assert!(!server.log().contains(secret));

    // The next try counts.
    renew(&server, authority.pem_files(&["localhost"]));
    reload(&server, "config.loaded").await;
    assert_ne!(shown(&server, &program(&authority)).await, before);
    assert_eq!(shown(&server, &running).await, before);
}

/// Tells the server, which says which file it cannot use and why.
async fn is_refused(server: &Production, named: &str, problem: &str) {
    let said = reload(server, "config.refused").await;
    let line = said.lines().find(|line| line.contains("config.refused"));
    let line = line.unwrap();
    assert!(line.contains(named) && line.contains(problem), "{line}");
    assert!(line.contains("the settings stay as they were"), "{line}");
}
