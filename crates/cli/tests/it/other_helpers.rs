//! What kubectl, docker and Bazel are answered, byte by byte. Bazel is not there in the stories: its protocol
//! is tested here alone.

use serde_json::{Value, json};

use crate::credential_helpers::{cluster, kubectl, signed_in};

#[test]
fn kubectl_gets_a_credential_that_ends_before_the_token_does() {
    let (home, _server, access) = signed_in();
    let here = "https://k8s.example.com:6443";
    let id = home.run(&["token", "--type", "id", "--json"]).json();
    let access_end = home.run(&["token", "--json"]).json()["expires_at"].clone();
    for (version, words, token, end) in [
        (
            "v1",
            &[][..],
            id["id_token"].as_str().unwrap(),
            &id["expires_at"],
        ),
        (
            "v1beta1",
            &["--token-type", "id"],
            id["id_token"].as_str().unwrap(),
            &id["expires_at"],
        ),
        ("v1", &["--token-type", "access"], &access, &access_end),
    ] {
        let ran = kubectl(
            &home,
            words,
            &cluster(version, &format!("{here}/clusters/c-1?x")),
        );
        let end: jiff::Timestamp = end.as_str().unwrap().parse().unwrap();
        let end = end - jiff::SignedDuration::from_secs(30);
        assert_eq!(
            ran.json(),
            json!({
                "apiVersion": format!("client.authentication.k8s.io/{version}"),
                "kind": "ExecCredential",
                "status": {"token": token, "expirationTimestamp": end.to_string()},
            }),
            "{ran}"
        );
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn c_76_kubectl_gets_nothing_for_another_cluster_or_for_none() {
    let (home, _server, _) = signed_in();
    let no_cluster =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "spec": {"interactive": true}});
    for (info, says) in [
        (
            cluster("v1", "https://k8s.example.com"),
            "no profile is set up for",
        ),
        (
            cluster("v1", "https://k8s.example.com:6443@evil.test"),
            "no profile is set up for",
        ),
        (
            cluster("v1", "http://k8s.example.com:6443"),
            "no profile is set up for",
        ),
        (
            cluster("v1", "https://git.example.com"),
            "no profile is set up for",
        ),
        (
            cluster("v1", "https://evil\u{1b}[2J.test"),
            "no profile is set up for",
        ),
        (no_cluster, "does not say which cluster"),
        (
            cluster("v1alpha1", "https://k8s.example.com:6443"),
            "is not known",
        ),
        (json!([]), "is not understood"),
    ] {
        let ran = kubectl(&home, &[], &info);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{info}: {ran}");
        assert!(
            ran.stderr.contains(says) && ran.stderr.contains("hint: "),
            "{ran}"
        );
        assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    }
    let mut unchecked = cluster("v1", "https://k8s.example.com:6443");
    unchecked["spec"]["cluster"]["insecure-skip-tls-verify"] = json!(true);
    let ran = kubectl(&home, &[], &unchecked);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert!(
        ran.stderr.contains("check of the cluster's certificate"),
        "{ran}"
    );
    let ran = home.run(&["credential", "kubectl"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
}

#[test]
fn docker_gets_its_answers_and_its_two_sentences_on_standard_output() {
    let (home, _server, token) = signed_in();
    let docker = |operation: &str, stdin: &str| {
        let ran = home.run_with(&["credential", "docker", operation], stdin);
        assert_eq!(ran.stderr, "", "{ran}");
        (ran.code, ran.stdout)
    };
    for server in [
        "registry.example.com",
        "registry.example.com:5000",
        "https://registry.example.com/v1/\n",
    ] {
        let (code, answer) = docker("get", server);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let expected = json!({
            "ServerURL": server.trim_end(), "Username": "oauth2accesstoken", "Secret": token,
        });
        assert_eq!((code, answer), (0, expected));
    }
    let not_found = (1, "credentials not found in native keychain\n".to_owned());
    for server in [
        "registry.example.com.evil.test",
        "registry.example.com@evil.test",
        "http://registry.example.com",
        "registry.example.com:5001",
        "registry.example.com\r\n",
        "registry.example.com\0",
        "git.example.com",
        "https://index.docker.io/v1/",
    ] {
        assert_eq!(docker("get", server), not_found, "{server:?}");
    }
    assert_eq!(
        docker("get", ""),
        (1, "no credentials server URL\n".to_owned())
    );
    assert_eq!(
        docker("list", ""),
        (
            0,
            "{\"registry.example.com\":\"oauth2accesstoken\",\"registry.example.com:5000\":\"oauth2accesstoken\"}\n"
                .to_owned()
        )
    );
    // What `docker login` was just given may be stored; a password of a person's would be lost.
    let login = |server: &str, secret: &str| {
        json!({"ServerURL": server, "Username": "ada", "Secret": secret}).to_string()
    };
    assert_eq!(
        docker("store", &login("registry.example.com", &token)),
        (0, String::new())
    );
    for (server, secret) in [("registry.example.com", "typed"), ("other.test", &token)] {
        let (code, said) = docker("store", &login(server, secret));
        assert!(
            code == 1 && said.starts_with("hallpass keeps no passwords"),
            "{said}"
        );
    }
    assert_eq!(docker("erase", "registry.example.com"), (0, String::new()));
    let (_, answer) = docker("get", "registry.example.com");
    assert!(!answer.contains(&token), "{answer}");
    assert!(
        docker("version", "")
            .1
            .starts_with("docker-credential-hallpass ")
    );
    let ran = home.run_with(&["credential", "docker", "push"], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
}

#[test]
fn bazel_gets_headers_or_none() {
    let (home, _server, token) = signed_in();
    let end = home.run(&["token", "--json"]).json()["expires_at"].clone();
    let asked = |uri: &str| {
        let question = json!({"uri": uri, "more": 1}).to_string();
        let ran = home.run_with(&["credential", "json", "get"], &question);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        ran.json()
    };
    let headers = json!({"Authorization": [format!("Bearer {token}")]});
    let expected = json!({"headers": headers, "expires": end});
    assert_eq!(asked("https://cache.example.com/ac/x?y"), expected);
    for other in [
        "https://cache.example.com.evil.test/",
        "https://cache.example.com@evil.test/",
        "https://evil.test/?https://cache.example.com",
        "https:\\\\cache.example.com",
        "http://cache.example.com/",
        "grpcs://cache.example.com",
        "https://cache.example.com:8980",
        "",
    ] {
        assert_eq!(asked(other), json!({"headers": {}}), "{other}");
    }
    for bad in [
        "",
        "{}",
        "[]",
        "{\"uri\":\"https://a.test\",\"uri\":\"https://cache.example.com\"}",
    ] {
        let ran = home.run_with(&["credential", "bazel", "get"], bad);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{bad}: {ran}");
    }
}
