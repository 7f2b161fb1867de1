//! The schemas that we publish hold for what the program prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::{sign_in, sign_in_as_told};

#[test]
fn what_is_printed_is_what_the_schemas_promise() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    holds(
        "whoami",
        &sign_in(
            &home,
            &["work", "--issuer", &issuer, "--client-id", "cli", "--json"],
        )
        .json(),
    );
    let json = |words: &[&str]| home.run(&[words, &["--json"]].concat()).json();
    for (schema, words) in [
        ("token", &["token"][..]),
        ("whoami", &["whoami", "--userinfo"]),
        ("whoami-list", &["whoami", "--all"]),
        ("profile", &["profile", "show", "--origin"]),
        ("profile-list", &["profile", "list"]),
        ("doctor", &["doctor"]),
    ] {
        holds(schema, &json(words));
    }
    home.run(&["token", "--refresh", "--trace", "trace"]);
    let trace = fs::read_to_string(home.path("trace")).unwrap();
    for line in trace.lines() {
        holds("trace", &serde_json::from_str(line).unwrap());
    }
    holds("logout", &json(&["logout", "--everywhere"]));
    holds("logout-list", &json(&["logout", "--all"]));
    holds("whoami", &json(&["whoami"]));
    for words in [&["token"][..], &["frobnicate"], &["token", "nobody"]] {
        holds("error", &home.run(&[words, &["--json"]].concat()).error());
    }
    let given = home
        .command(&["token", "--json"])
        .env("HALLPASS_TOKEN", "x")
        .output()
        .unwrap();
    holds("token", &serde_json::from_slice(&given.stdout).unwrap());
}

#[test]
fn what_is_printed_for_calls_is_what_the_schemas_promise() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let words = ["work", "--issuer", &issuer, "--client-id", "cli"];
    let signed_in = sign_in_as_told(&home, &[&words[..], &["--resource", &issuer]].concat());
    assert_eq!(signed_in.code, 0, "{signed_in}");
    let url = format!("{issuer}/userinfo");
    let call = |url: &str| {
        let ran = home.run(&["request", "GET", url, "--json"]);
        serde_json::from_str::<Value>(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
    };
    let answer = call(&url);
    assert!(answer["body"].is_object(), "{answer}");
    holds("request", &answer);
    // An answer that is no JSON, and one that is a refusal.
    let missing = call(&format!("{url}/nothing"));
    assert_eq!(missing["status"], 404);
    holds("request", &missing);
    let words = ["token", "--type", "dpop-proof", "--url", &url, "--json"];
    let proof = home.run(&words).json();
    assert_eq!(
        (&proof["method"], &proof["url"]),
        (&"GET".into(), &url.into())
    );
    holds("dpop-proof", &proof);
}

#[test]
fn every_event_is_one_of_the_schema_and_the_schema_has_no_other() {
    let home = Home::new();
    home.write("server.toml", "[device]\ninterval = \"1s\"\n");
    home.write("secret", "s3cret\n");
    let server = Server::start_with(&home, &["--config", "server.toml"]);
    let issuer = server.issuer();
    let mut names = BTreeSet::new();
    for (more, variable, code, ends) in [
        (&["--device", "--timeout", "4s"][..], "X", 6, None),
        (&["--browser", "--timeout", "1s"], "BROWSER", 6, None),
        (&["--flow", "paste", "--timeout", "1s"], "X", 6, None),
        (
            &["--client-secret-file", "secret"],
            "X",
            0,
            Some(Value::Null),
        ),
        (&[], "HALLPASS_TOKEN", 0, Some(Value::Null)),
    ] {
        let words = [
            "login",
            "--issuer",
            &issuer,
            "--client-id",
            "cli",
            "--events",
        ];
        let mut command = home.command(&[&words[..], more].concat());
        let ran = Ran::from(command.env(variable, "nothing").output().unwrap());
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (code, ""),
            "{more:?}: {ran}"
        );
        let lines = ran.stdout.lines().map(serde_json::from_str);
        let events: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
        for event in &events {
            holds("event", event);
            names.extend(event["event"].as_str().map(str::to_owned));
        }
        let last = events.last().unwrap();
        assert_eq!(last.get("subject"), ends.as_ref(), "{ran}");
        assert_eq!(last["error"]["exit"] == 6, ends.is_none(), "{ran}");
    }
    let schema = read(&folder().join("event.json"));
    let ways = schema["oneOf"].as_array().unwrap().iter();
    let known = ways.filter_map(|way| way["properties"]["event"]["const"].as_str());
    assert_eq!(names, known.map(str::to_owned).collect());
}

#[test]
fn every_schema_is_one_that_this_test_understands() {
    for entry in fs::read_dir(folder()).unwrap() {
        let schema = read(&entry.unwrap().path());
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        // Nothing at all is no answer of any kind.
        assert!(!problems(&schema, &json!({}), "").is_empty());
    }
}

#[test]
fn a_wrong_answer_is_noticed() {
    let schema = read(&folder().join("token.json"));
    let good = json!({
        "schema": "hallpass.token/1", "profile": "a", "token_type": "Bearer", "access_token": "x",
        "expires_at": "2026-11-21T02:00:00Z", "expires_in": 1, "scope": "", "resource": ["https://a.test"],
        "issuer": "i", "client_id": "c", "subject": null, "dpop_jkt": null, "refreshed": false, "more": 1,
    });
    assert_eq!(problems(&schema, &good, ""), Vec::<String>::new());
    for (member, wrong) in [
        ("schema", json!("hallpass.token/2")),
        ("expires_at", json!("tomorrow")),
        ("expires_in", json!(1.5)),
        ("resource", json!(["no address"])),
        ("resource", json!([1])),
        ("subject", json!(1)),
        ("refreshed", json!("false")),
    ] {
        let mut bad = good.clone();
        bad[member] = wrong;
        assert_eq!(problems(&schema, &bad, "").len(), 1, "{bad}");
    }
}

pub(crate) fn holds(name: &str, value: &Value) {
    let found = problems(&read(&folder().join(format!("{name}.json"))), value, "");
    assert!(found.is_empty(), "{name}: {found:?}\n{value:#}");
}

/// As much of JSON Schema as our files use; an unknown keyword fails the test.
fn problems(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let is_good = match keyword.as_str() {
            "$schema" | "title" | "description" => true,
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "type" => match rule {
                Value::Array(types) => types.iter().any(|it| is_of(it, value)),
                one => is_of(one, value),
            },
            "format" => value
                .as_str()
                .is_none_or(|text| match rule.as_str().unwrap() {
                    "date-time" => text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'),
                    "uri" => url::Url::parse(text).is_ok(),
                    other => panic!("format {other}"),
                }),
            "required" => {
                let missing = |name: &&Value| value.get(name.as_str().unwrap()).is_none();
                !value.is_object() || rule.as_array().unwrap().iter().find(missing).is_none()
            }
            "properties" => {
                for (name, below) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        found.extend(problems(below, value, &format!("{at}/{name}")));
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(problems(rule, item, &format!("{at}/{index}")));
                }
                true
            }
            "additionalProperties" => {
                let known = &schema["properties"];
                for (name, value) in value.as_object().into_iter().flatten() {
                    if rule.is_object() && known.get(name).is_none() {
                        found.extend(problems(rule, value, &format!("{at}/{name}")));
                    }
                }
                *rule != false
            }
            "oneOf" => {
                let ways = rule.as_array().unwrap().iter();
                let fits = ways.filter(|way| problems(way, value, at).is_empty());
                fits.count() == 1
            }
            "$ref" => {
                let other = read(&folder().join(rule.as_str().unwrap()));
                found.extend(problems(&other, value, at));
                true
            }
            other => panic!("keyword {other}"),
        };
        if !is_good {
            found.push(format!("{at}: {keyword}"));
        }
    }
    found
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type {other}"),
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas"))
}
