package interop

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// person has a browser: it keeps cookies, reads forms and presses buttons, without script.
type person struct {
	t    *testing.T
	http *http.Client
}

// page is where the browser stopped: a page of the server, or a redirect that leaves it.
type page struct {
	url      *url.URL
	status   int
	location *url.URL
	body     string
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != via[0].URL.Host {
			return http.ErrUseLastResponse
		}
		if len(via) > 10 {
			return fmt.Errorf("redirects without end: %v", next.URL)
		}
		return nil
	}
	return &person{t, &http.Client{Jar: jar, CheckRedirect: stay}}
}

func (p *person) open(address string) page {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "none")
	return p.send(request)
}

var (
	forms      = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	inputs     = regexp.MustCompile(`<(?:input|button|textarea)\b[^>]*>`)
	attributes = regexp.MustCompile(`\s(name|value|type|action)="([^"]*)"`)
)

// submit fills in the first form that has these fields, and posts it as a browser does.
func (p *person) submit(from page, fields map[string]string) page {
	p.t.Helper()
	for _, form := range forms.FindAllStringSubmatch(from.body, -1) {
		names, values := map[string]bool{}, url.Values{}
		for _, tag := range inputs.FindAllString(form[2], -1) {
			input := read(tag)
			names[input["name"]] = true
			if input["type"] == "hidden" {
				values.Set(input["name"], input["value"])
			}
		}
		hasAll := true
		for name, value := range fields {
			hasAll = hasAll && names[name]
			values.Set(name, value)
		}
		if !hasAll {
			continue
		}
		action, err := from.url.Parse(read(form[1])["action"])
		if err != nil {
			p.t.Fatal(err)
		}
		request, err := http.NewRequest(http.MethodPost, action.String(), strings.NewReader(values.Encode()))
		if err != nil {
			p.t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", action.Scheme+"://"+action.Host)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		return p.send(request)
	}
	p.t.Fatalf("no form with %v on %v (%d):\n%s", fields, from.url, from.status, from.body)
	return page{}
}

func read(tag string) map[string]string {
	found := map[string]string{}
	for _, attribute := range attributes.FindAllStringSubmatch(tag, -1) {
		found[attribute[1]] = html.UnescapeString(attribute[2])
	}
	return found
}

func (p *person) send(request *http.Request) page {
	p.t.Helper()
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Sec-Fetch-Dest", "document")
	answer, err := p.http.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	result := page{url: answer.Request.URL, status: answer.StatusCode, body: string(body)}
	if answer.Header.Get("Location") != "" {
		result.location, err = answer.Location()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return result
}

func (p *person) signIn(address, username string) page {
	p.t.Helper()
	return p.submit(p.open(address), map[string]string{"username": username})
}

// authorize signs in to a client; the parameters that go back to it.
func authorize(t *testing.T, address, username string) url.Values {
	t.Helper()
	back := newPerson(t).signIn(address, username)
	if back.location == nil {
		t.Fatalf("no redirect to the client: %d\n%s", back.status, back.body)
	}
	return back.location.Query()
}

// refuse presses Cancel on the page that greets who is signed in already.
func refuse(t *testing.T, address string) url.Values {
	t.Helper()
	someone := newPerson(t)
	someone.signIn(address, "ada")
	back := someone.submit(someone.open(address), map[string]string{"action": "deny"})
	if back.location == nil {
		t.Fatalf("no redirect to the client: %d\n%s", back.status, back.body)
	}
	return back.location.Query()
}

// decide opens the complete verification URI, signs in and presses a button of the last page.
func decide(t *testing.T, address, username, action string) {
	t.Helper()
	someone := newPerson(t)
	// The code is filled in, but a person has to say that it is theirs.
	entry := someone.open(address)
	code := entry.url.Query().Get("user_code")
	login := someone.submit(entry, map[string]string{"user_code": code})
	confirmation := someone.submit(login, map[string]string{"username": username})
	fields := map[string]string{"action": action}
	if action == "approve" {
		fields["confirm"] = "on"
	}
	if done := someone.submit(confirmation, fields); done.status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", action, done.status, done.body)
	}
}
