//! Tokens that are bound to a key of this machine: how they are printed, and how they are used.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use hallpass_protocol::jose::base64url;
use serde_json::Value;

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::{sign_in, sign_in_as_told};

fn signed_in(home: &Home, server: &Server, words: &[&str]) -> String {
    let issuer = server.issuer();
    let known = [
        "work",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--resource",
        &issuer,
    ];
    let ran = sign_in_as_told(home, &[&known[..], words].concat());
    assert_eq!(ran.code, 0, "{ran}");
    format!("{issuer}/userinfo")
}

fn payload(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

fn header<'a>(ran: &'a Ran, name: &str) -> &'a str {
    let mut lines = ran.stdout.lines();
    lines
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_else(|| panic!("no {name}: {ran}"))
}

/// Sends a request as curl would.
fn call(url: &str, headers: &[(&str, &str)]) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    })
}

#[test]
fn c_39_a_bound_token_is_not_printed_alone_unless_that_is_asked_for() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = signed_in(&home, &server, &[]);
    for words in [
        &["token"][..],
        &["token", "--header"],
        &["token", "--refresh"],
    ] {
        let ran = home.run(words);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
        assert!(
            ran.stderr.contains("DPoP") && ran.stderr.contains("--allow-bound"),
            "{ran}"
        );
    }
    let token = home.run(&["token", "--allow-bound"]);
    assert_eq!(token.code, 0, "{token}");
    let token = token.stdout.trim().to_owned();
    // Row S-99: alone it is of no use.
    assert_eq!(
        call(&url, &[("authorization", &format!("Bearer {token}"))]),
        401
    );

    let json = home.run(&["token", "--json"]).json();
    assert_eq!(
        (&json["token_type"], &json["access_token"]),
        (&"DPoP".into(), &token.clone().into())
    );
    let who = home.run(&["whoami", "--json"]).json();
    assert_eq!(
        (&who["token_type"], &who["dpop_jkt"]),
        (&"DPoP".into(), &json["dpop_jkt"])
    );
    assert_eq!(payload(&token)["cnf"]["jkt"], json["dpop_jkt"]);
    assert!(home.run(&["whoami"]).stdout.contains("DPoP"));
    assert!(
        home.run(&["whoami", "--userinfo"])
            .stdout
            .starts_with("ada")
    );
    assert_eq!(
        home.run(&["exchange", "--audience", "https://orders.example"])
            .code,
        0
    );
}

#[test]
fn c_35_each_print_has_a_proof_of_its_own_for_the_request_that_is_named() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = signed_in(&home, &server, &["--dpop"]);
    let first = home.run(&["token", "--header", "--url", &url]);
    let (authorization, proof) = (header(&first, "Authorization: "), header(&first, "DPoP: "));
    let headers = [("authorization", authorization), ("dpop", proof)];
    assert_eq!(call(&url, &headers), 200);
    // Row S-97: a proof is good once.
    assert_eq!(call(&url, &headers), 401);

    let second = home.run(&["token", "--header", "--url", &url]);
    let (one, two) = (payload(proof), payload(header(&second, "DPoP: ")));
    assert_ne!(one["jti"], two["jti"]);
    assert_eq!(
        (&one["htm"], &one["htu"]),
        (&"GET".into(), &url.clone().into())
    );

    let words = [
        "token",
        "--type",
        "dpop-proof",
        "--method",
        "put",
        "--nonce",
        "n-1",
        "--url",
        &url,
    ];
    let proof = home.run(&words);
    let claims = payload(proof.stdout.trim());
    assert_eq!(
        (&claims["htm"], &claims["nonce"]),
        (&"PUT".into(), &"n-1".into())
    );
    assert_eq!(home.run(&["token", "--type", "dpop-proof"]).code, 2);
    assert_eq!(
        home.run(&["token", "--type", "dpop-proof", "--url", "file:///x"])
            .code,
        2
    );

    let curl = home.run(&["token", "--curl", "--url", &url]).stdout;
    for line in [
        "request = \"GET\"",
        &format!("url = \"{url}\""),
        "header = \"DPoP: ey",
        "header = \"Authorization: DPoP ",
    ] {
        assert!(curl.contains(line), "{line}: {curl}");
    }
    assert_eq!(home.run(&["token", "--curl"]).code, 2);
}

#[test]
fn c_38_the_key_of_a_session_is_in_no_output() {
    let home = Home::new();
    let server = Server::start(&home);
    let trace = home.path("trace").display().to_string();
    let url = signed_in(&home, &server, &["--store", "file", "--trace", &trace]);
    let files = std::fs::read_dir(home.path("state/sessions")).unwrap();
    let kept: Vec<_> = files
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok())
        .collect();
    let key = kept
        .iter()
        .find_map(|text| text.split("\"dpop_key\": \"").nth(1))
        .unwrap();
    let key = key.split('"').next().unwrap();
    let mut said = std::fs::read_to_string(trace).unwrap();
    for words in [
        &["token", "--json"][..],
        &["token", "--allow-bound", "-vvv"],
        &["token", "--curl", "--url", &url],
        &["whoami", "--json"],
        &["token", "--refresh", "--json", "-vvv", "--trace", "trace2"],
        &["doctor", "--json"],
    ] {
        said.push_str(&home.run(words).to_string());
    }
    said.push_str(&std::fs::read_to_string(home.path("trace2")).unwrap());
    assert!(
        key.len() > 100 && !said.contains(key.get(..40).unwrap()),
        "{said}"
    );
}

#[test]
fn c_50_request_sends_the_token_with_its_proof_and_prints_the_answer() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = signed_in(&home, &server, &[]);
    let ran = home.run(&["request", "GET", &url]);
    assert_eq!(
        (ran.code, ran.json()["sub"].as_str()),
        (0, Some("ada")),
        "{ran}"
    );
    let missing = home.run(&["request", "GET", &format!("{url}/nothing")]);
    assert_eq!(missing.code, 1, "{missing}");
    let secret = home.run(&["request", "GET", &url, "-H", "Authorization: Bearer x"]);
    assert_eq!(secret.code, 2, "{secret}");
    // Row C-75: a stranger is told nothing.
    let port = server.port();
    for other in [
        format!("http://127.0.0.1:{port}/default/userinfo"),
        "https://evil.test/".to_owned(),
    ] {
        let ran = home.run(&["request", "GET", &other]);
        assert_eq!(ran.code, 5, "{ran}");
        assert!(ran.stderr.contains("resource"), "{ran}");
    }
    // The same command for a session that is not bound.
    let issuer = server.issuer();
    let known = [
        "plain",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--resource",
        &issuer,
    ];
    assert_eq!(sign_in(&home, &known).code, 0);
    let ran = home.run(&["request", "GET", &url, "-p", "plain"]);
    assert_eq!(
        (ran.code, ran.json()["sub"].as_str()),
        (0, Some("ada")),
        "{ran}"
    );
    let ran = home.run(&["token", "plain", "--type", "dpop-proof", "--url", &url]);
    assert_eq!(ran.code, 5, "{ran}");
}

#[test]
fn login_finds_server_scopes_and_resource_by_the_api() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = format!("{}/userinfo", server.issuer());
    let ran = sign_in_as_told(&home, &["api", "--resource", &url, "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains(&format!("Tokens for {url} come from {}", server.issuer())),
        "{ran}"
    );
    let ran = home.run(&["request", "GET", &url]);
    assert_eq!(
        (ran.code, ran.json()["sub"].as_str()),
        (0, Some("ada")),
        "{ran}"
    );
    let ran = home.run(&["token", "--allow-bound", "--for", "https://evil.test/"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
}

/// An API that gives every request the same answer; returns its origin.
fn api(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            // To the end of the head; these requests have no body.
            lines.map_while(Result::ok).find(String::is_empty);
            let head =
                format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
        }
    });
    origin
}

#[test]
fn c_60_without_a_terminal_a_step_up_challenge_is_exit_code_4_with_the_command() {
    let challenge = "401 Unauthorized\r\nwww-authenticate: DPoP error=\"insufficient_user_authentication\", \
                     acr_values=\"phr mfa\", max_age=\"5\"";
    let (home, api) = (Home::new(), api(challenge));
    let server = Server::start(&home);
    let issuer = server.issuer();
    let known = [
        "work",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--resource",
        &api,
    ];
    assert_eq!(sign_in_as_told(&home, &known).code, 0);
    let ran = home.run(&["request", "GET", &format!("{api}/pay"), "--json"]);
    let error = ran.error();
    assert_eq!(
        (ran.code, &error["error"]["code"]),
        (4, &"step_up_required".into())
    );
    let hint = "hallpass login work --acr phr --acr mfa --max-age 5";
    assert_eq!(error["error"]["hint"], hint, "{ran}");
    // The session is kept.
    assert_eq!(home.run(&["token", "--allow-bound"]).code, 0);
}

#[test]
fn c_51_a_missing_scope_is_exit_code_10_with_the_command() {
    let challenge = "403 Forbidden\r\nwww-authenticate: Bearer error=\"insufficient_scope\", scope=\"api:write\"";
    let (home, api) = (Home::new(), api(challenge));
    let server = Server::start(&home);
    let issuer = server.issuer();
    let known = [
        "work",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--resource",
        &api,
    ];
    assert_eq!(sign_in(&home, &known).code, 0);
    let ran = home.run(&["request", "GET", &api]);
    assert_eq!(ran.code, 10, "{ran}");
    assert!(
        ran.stderr
            .contains("token lacks scope api:write (asked by 127.0.0.1)"),
        "{ran}"
    );
    assert!(
        ran.stderr
            .contains("hint: hallpass login work --scope api:write"),
        "{ran}"
    );
}

#[test]
fn request_tells_a_program_status_and_body() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = signed_in(&home, &server, &[]);
    let answer = home.run(&["request", "get", &url, "--json"]).json();
    assert_eq!(
        (&answer["schema"], &answer["status"]),
        (&"hallpass.request/1".into(), &200.into())
    );
    assert_eq!(answer["body"]["sub"], "ada");
}
