//! Reads the forms of a page as a browser would submit them.
//!
//! HTML §4.10.21.4 (constructing the entry list); only what our own pages use.

/// A page, as far as somebody who fills in forms looks at it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The text of its first heading.
    pub(crate) heading: String,
    /// Its forms.
    pub(crate) forms: Vec<Form>,
}

/// One form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes.
    pub(crate) action: String,
    is_post: bool,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    kind: Kind,
    name: String,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hidden,
    Text,
    Checkbox,
    Button,
}

struct Tag<'a> {
    name: String,
    attributes: Vec<(String, String)>,
    rest: &'a str,
}

impl Page {
    /// Reads a page.
    pub(crate) fn parse(html: &str) -> Self {
        let mut page = Self::default();
        let mut open: Option<Form> = None;
        let mut left = html;
        while let Some((_, after)) = left.split_once('<') {
            if let Some(comment) = after.strip_prefix("!--") {
                left = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            let Some(tag) = Tag::parse(after) else {
                left = after;
                continue;
            };
            match tag.name.as_str() {
                "h1" if page.heading.is_empty() => page.heading = text_until(tag.rest, "</h1"),
                "form" => open = Some(Form::start(&tag)),
                "/form" => page.forms.extend(open.take()),
                "input" | "button" | "textarea" => {
                    if let (Some(form), Some(field)) = (&mut open, Field::read(&tag)) {
                        form.fields.push(field);
                    }
                }
                _ => {}
            }
            left = tag.rest;
        }
        page
    }

    /// The first form that is posted and has a text field of this name.
    pub(crate) fn form_with_text(&self, name: &str) -> Option<&Form> {
        self.forms
            .iter()
            .find(|form| form.is_post && form.has(Kind::Text, name, None))
    }

    /// The first form that is posted and has a button of this name and value.
    pub(crate) fn form_with_button(&self, name: &str, value: &str) -> Option<&Form> {
        self.forms
            .iter()
            .find(|form| form.is_post && form.has(Kind::Button, name, Some(value)))
    }
}

impl Form {
    /// What a browser sends: every hidden field, every box (the person ticks them all), then what
    /// the person typed or pressed.
    pub(crate) fn submit(&self, done: &[(&str, &str)]) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for field in &self.fields {
            let is_done = done.iter().any(|(name, _)| *name == field.name);
            if matches!(field.kind, Kind::Hidden | Kind::Checkbox) && !is_done {
                body.append_pair(&field.name, &field.value);
            }
        }
        body.extend_pairs(done);
        body.finish()
    }

    fn start(tag: &Tag<'_>) -> Self {
        Self {
            action: tag.attribute("action").unwrap_or_default().to_owned(),
            is_post: tag
                .attribute("method")
                .is_some_and(|method| method.eq_ignore_ascii_case("post")),
            fields: Vec::new(),
        }
    }

    fn has(&self, kind: Kind, name: &str, value: Option<&str>) -> bool {
        self.fields.iter().any(|field| {
            field.kind == kind
                && field.name == name
                && value.is_none_or(|value| field.value == value)
        })
    }
}

impl Field {
    fn read(tag: &Tag<'_>) -> Option<Self> {
        // A control that names another form is not of this one.
        if tag.attribute("form").is_some() {
            return None;
        }
        let kind = match (tag.name.as_str(), tag.attribute("type")) {
            ("button", _) | ("input", Some("submit")) => Kind::Button,
            ("input", Some("hidden")) => Kind::Hidden,
            ("input", Some("checkbox")) => Kind::Checkbox,
            _ => Kind::Text,
        };
        Some(Self {
            kind,
            name: tag.attribute("name")?.to_owned(),
            value: tag.attribute("value").unwrap_or_default().to_owned(),
        })
    }
}

impl<'a> Tag<'a> {
    /// Reads a tag whose `<` is already taken.
    fn parse(text: &'a str) -> Option<Self> {
        let end = text.find(|c: char| c.is_whitespace() || c == '>')?;
        let (name, mut rest) = text.split_at_checked(end)?;
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start().trim_start_matches('/');
            if let Some(after) = rest.strip_prefix('>') {
                let name = name.trim_end_matches('/').to_ascii_lowercase();
                return Some(Self {
                    name,
                    attributes,
                    rest: after,
                });
            }
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>'))?;
            let (attribute, after) = rest.split_at_checked(end)?;
            let (value, after) = attribute_value(after)?;
            attributes.push((attribute.to_ascii_lowercase(), decoded(value)));
            rest = after;
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads `="..."`, `='...'`, `=word` or nothing.
fn attribute_value(text: &str) -> Option<(&str, &str)> {
    let Some(text) = text.strip_prefix('=') else {
        return Some(("", text));
    };
    for quote in ['"', '\''] {
        if let Some(text) = text.strip_prefix(quote) {
            return text.split_once(quote);
        }
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '>')?;
    text.split_at_checked(end)
}

/// The text before an end tag, without the tags in it.
fn text_until(html: &str, end: &str) -> String {
    let inner = html.split_once(end).map_or("", |(inner, _)| inner);
    let mut text = String::new();
    let mut is_tag = false;
    for c in inner.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    let words: Vec<_> = text.split_whitespace().collect();
    decoded(&words.join(" "))
}

/// Replaces character references.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut left = text;
    while let Some((before, after)) = left.split_once('&') {
        out.push_str(before);
        let reference = after.split_once(';').and_then(|(name, rest)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, rest))
        });
        let (c, rest) = reference.unwrap_or(('&', after));
        out.push(c);
        left = rest;
    }
    out.push_str(left);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><!-- <form> --><h1>Sign in <bdi>a &amp; b</bdi></h1>
        <form method="post" action="/device?x=1&amp;y=2"><input type="hidden" name="csrf" value="t&#34;k">
        <input type=checkbox name='confirm' value='on' required>
        <button name="action" value="deny">No</button><button name="action" value="approve">Yes</button>
        <button form="other" name="action" value="switch">Other</button></form>
        <form method="post" action="/login"><input type="hidden" name="csrf" value="2"><input name="username" value=""/></form>"#;

    #[test]
    fn a_form_is_submitted_as_a_browser_would() {
        let page = Page::parse(PAGE);
        assert_eq!(page.heading, "Sign in a & b");
        let form = page.form_with_button("action", "approve").unwrap();
        assert_eq!(form.action, "/device?x=1&y=2");
        let body = form.submit(&[("action", "approve")]);
        assert_eq!(body, "csrf=t%22k&confirm=on&action=approve");
        assert!(page.form_with_button("action", "switch").is_none());
        let form = page.form_with_text("username").unwrap();
        assert_eq!(form.submit(&[("username", "ada")]), "csrf=2&username=ada");
    }

    #[test]
    fn what_is_no_html_has_no_forms() {
        for text in [
            "",
            "<",
            "<form",
            "a < b > c",
            "<form method=\"post",
            "<input name=",
        ] {
            assert_eq!(Page::parse(text).forms, [], "{text}");
        }
    }
}
