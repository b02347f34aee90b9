package ses_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"roster/infra/local/ses"
)

func TestSendEmail(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	in := mailTo("Ada <ada@example.com>")
	in.Destination.BccAddresses = []string{"log@acme.com"}
	in.ReplyToAddresses = []string{"help@acme.com"}
	in.EmailTags = []types.MessageTag{{Name: new("kind"), Value: new("invitation")}}
	in.Content.Simple.Headers = []types.MessageHeader{{Name: new("List-Unsubscribe"), Value: new("<https://acme.com/u>")}}
	id := send(t, client, in)

	if !regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000$`).MatchString(id) {
		t.Errorf("message id %q is not in SES's form", id)
	}
	mails := server.Mails("ADA@example.com")
	if len(mails) != 1 {
		t.Fatalf("%d mails, want 1", len(mails))
	}
	m := mails[0]
	if m.ID != id || m.From != sender || m.To != "Ada <ada@example.com>" || m.Subject != "Grüße" ||
		m.Text != "plain" || m.HTML != "<p>rich</p>" || !m.SentAt.Equal(start) || m.Tags["kind"] != "invitation" {
		t.Errorf("kept mail: %+v", m)
	}
	for name, want := range map[string]string{
		"From": sender, "Reply-To": "help@acme.com", "List-Unsubscribe": "<https://acme.com/u>",
		"Message-ID": "<" + id + "@email.amazonses.com>", "Bcc": "",
	} {
		if m.Headers[name] != want {
			t.Errorf("header %s: %q, want %q", name, m.Headers[name], want)
		}
	}
	if len(server.Mails("log@acme.com")) != 1 {
		t.Error("a Bcc recipient does not find the mail")
	}
}

func TestSendEmailRaw(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	raw := strings.ReplaceAll(`From: Roster <roster@acme.com>
To: ada@example.com, Bob <bob@example.com>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
X-Kind: raw
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

f=C3=BCr dich
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+ZsO8ciBkaWNoPC9wPg==
--b--
`, "\n", "\r\n")
	send(t, client, &sesv2.SendEmailInput{Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(raw)}}})
	m := server.Mails("bob@example.com")[0]
	if m.Subject != "Grüße" || m.Text != "für dich" || m.HTML != "<p>für dich</p>" || m.Headers["X-Kind"] != "raw" {
		t.Errorf("kept mail: %+v", m)
	}
}

func TestCharset(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	in := mailTo("ada@example.com")
	in.Content.Simple.Subject.Charset = nil
	send(t, client, in)
	if got := server.Mails("")[0].Subject; got != "Gr??e" {
		t.Errorf("subject without charset: %q, want what 7-bit ASCII leaves of it", got)
	}
}

// simple changes the content of an acceptable mail.
func simple(change func(*types.Message)) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) { change(in.Content.Simple) }
}

func to(addresses ...string) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = addresses }
}

func header(name, value string) func(*sesv2.SendEmailInput) {
	return simple(func(m *types.Message) {
		m.Headers = append(m.Headers, types.MessageHeader{Name: &name, Value: &value})
	})
}

func tag(name, value string) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: &name, Value: &value})
	}
}

func raw(message string) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) {
		in.Content = &types.EmailContent{Raw: &types.RawMessage{Data: []byte(message)}}
	}
}

// many applies change n times, with its index.
func many(n int, change func(i int) func(*sesv2.SendEmailInput)) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) {
		for i := range n {
			change(i)(in)
		}
	}
}

func numberedHeader(i int) func(*sesv2.SendEmailInput) { return header(fmt.Sprint("X-", i), "v") }
func numberedTag(i int) func(*sesv2.SendEmailInput)    { return tag(fmt.Sprint("t", i), "v") }

func TestSendEmailRefuses(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	const bad = "BadRequestException"
	for name, test := range map[string]struct {
		change func(*sesv2.SendEmailInput)
		code   string
	}{
		"no sender":              {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil }, bad},
		"malformed sender":       {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("roster") }, bad},
		"unverified sender":      {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("a@evil.com") }, "MessageRejected"},
		"look-alike sender":      {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("a@notacme.com") }, "MessageRejected"},
		"other local part":       {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("b@other.org") }, "MessageRejected"},
		"unknown set":            {func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = new("nope") }, "NotFoundException"},
		"no destination":         {to(), bad},
		"empty address":          {to(""), bad},
		"no domain":              {to("ada"), bad},
		"no local part":          {to("@example.com"), bad},
		"no top-level domain":    {to("ada@localhost"), bad},
		"two addresses in one":   {to("ada@example.com, bob@example.com"), bad},
		"unquoted comma in name": {to("Lovelace, Ada <ada@example.com>"), bad},
		"space in local part":    {to("a da@example.com"), bad},
		"double dot":             {to("a..b@example.com"), bad},
		"trailing dot":           {to("ada@example.com."), bad},
		"hyphen first in domain": {to("ada@-example.com"), bad},
		"non-ASCII local part":   {to("ädä@example.com"), bad},
		"non-ASCII domain":       {to("ada@exämple.com"), bad},
		"line break":             {to("ada@example.com\r\nBcc: eve@example.com"), bad},
		"local part of 65":       {to(strings.Repeat("a", 65) + "@example.com"), bad},
		"one of two is bad":      {to("ada@example.com", "bob"), bad},
		"51 recipients":          {to(slices.Repeat([]string{"ada@example.com"}, 51)...), bad},
		"malformed reply-to":     {func(in *sesv2.SendEmailInput) { in.ReplyToAddresses = []string{"x"} }, bad},
		"empty subject":          {simple(func(m *types.Message) { m.Subject = text(" ") }), bad},
		"line break in subject":  {simple(func(m *types.Message) { m.Subject = text("a\r\nBcc: eve@example.com") }), bad},
		"empty body":             {simple(func(m *types.Message) { m.Body = &types.Body{} }), bad},
		"over 40 MB":             {simple(func(m *types.Message) { m.Body.Text = text(strings.Repeat("x", 31<<20)) }), bad},
		"attachments": {simple(func(m *types.Message) {
			m.Attachments = []types.Attachment{{FileName: new("f"), RawContent: []byte("x")}}
		}), bad},
		"no content":              {func(in *sesv2.SendEmailInput) { in.Content = &types.EmailContent{} }, bad},
		"colon in header name":    {header("X:Y", "v"), bad},
		"space in header name":    {header("X Y", "v"), bad},
		"header name of 127":      {header(strings.Repeat("x", 127), "v"), bad},
		"header value of 996":     {header("X", strings.Repeat("v", 996)), bad},
		"line break in header":    {header("X-A", "v\r\nBcc: eve@example.com"), bad},
		"non-ASCII header":        {header("X-A", "ä"), bad},
		"empty header":            {header("X-A", ""), bad},
		"header that SES writes":  {header("subject", "v"), bad},
		"header twice":            {many(2, func(int) func(*sesv2.SendEmailInput) { return header("List-Id", "v") }), bad},
		"16 headers":              {many(16, numberedHeader), bad},
		"dot in tag value":        {tag("org", "a.b"), bad},
		"colon in tag name":       {tag("ses:x", "v"), bad},
		"empty tag value":         {tag("org", ""), bad},
		"tag value of 257":        {tag("org", strings.Repeat("v", 257)), bad},
		"tag twice":               {many(2, func(int) func(*sesv2.SendEmailInput) { return tag("a", "b") }), bad},
		"51 tags":                 {many(51, numberedTag), bad},
		"raw without header":      {raw("no mail at all"), bad},
		"raw with a line of 1001": {raw("From: roster@acme.com\r\n\r\n" + strings.Repeat("x", 999) + "\r\n"), bad},
		"raw over 40 MB":          {raw("From: roster@acme.com\r\n\r\n" + strings.Repeat("x\r\n", 11<<20)), bad},
		"stored template": {func(in *sesv2.SendEmailInput) {
			in.Content = &types.EmailContent{Template: &types.Template{TemplateName: new("t")}}
		}, "NotFoundException"},
	} {
		in := mailTo("ada@example.com")
		test.change(in)
		_, err := client.SendEmail(t.Context(), in)
		if code(err) != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
	if kept := server.Mails(""); len(kept) != 0 {
		t.Errorf("refused mails were kept: %+v", kept)
	}
}

func TestSendEmailAccepts(t *testing.T) {
	t.Parallel()
	_, client := open(t, config(""))
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"subdomain of an identity": func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("a@mail.Acme.com") },
		"address identity":         func(in *sesv2.SendEmailInput) { in.FromEmailAddress = new("Lone@other.org") },
		"named set":                func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = new("roster") },
		"50 recipients":            to(slices.Repeat([]string{"ada@example.com"}, 50)...),
		"quoted comma in name":     to(`"Lovelace, Ada" <ada@example.com>`),
		"punycode":                 to("ada@xn--exmple-cua.com"),
		"apostrophe and plus":      to("o'neil+x@example.com"),
		"15 headers":               many(15, numberedHeader),
		"50 tags":                  many(50, numberedTag),
		"tag value of 256":         tag("a", strings.Repeat("v", 256)),
		"header of 996":            header("X", strings.Repeat("v", 995)),
	} {
		in := mailTo("ada@example.com")
		change(in)
		if _, err := client.SendEmail(t.Context(), in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTypedErrors(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	check := func(code string, isTyped func(error) bool) {
		t.Helper()
		server.RefuseSends(&ses.Error{Code: code, Message: "because"})
		_, err := client.SendEmail(t.Context(), mailTo("ada@example.com"))
		if !isTyped(err) || !strings.Contains(err.Error(), "because") {
			t.Errorf("%s came as %v", code, err)
		}
	}
	check("AccountSuspendedException", is[*types.AccountSuspendedException])
	check("LimitExceededException", is[*types.LimitExceededException])
	check("MailFromDomainNotVerifiedException", is[*types.MailFromDomainNotVerifiedException])
	check("MessageRejected", is[*types.MessageRejected])
	check("TooManyRequestsException", is[*types.TooManyRequestsException])
	check("SendingPausedException", is[*types.SendingPausedException])
	account, err := client.GetAccount(t.Context(), &sesv2.GetAccountInput{})
	if err != nil || account.SendingEnabled {
		t.Errorf("account paused: %+v, %v", account, err)
	}
	server.RefuseSends(nil)
	send(t, client, mailTo("ada@example.com"))
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestSendRate(t *testing.T) {
	t.Parallel()
	cfg := config("")
	cfg.MaxSendRate = 3
	now := start
	cfg.Now = func() time.Time { return now }
	_, client := open(t, cfg)
	send(t, client, mailTo("a@example.com", "b@example.com"))
	if _, err := client.SendEmail(t.Context(), mailTo("c@example.com", "d@example.com")); !is[*types.TooManyRequestsException](err) {
		t.Errorf("fourth recipient in a second: %v", err)
	}
	now = now.Add(time.Second)
	send(t, client, mailTo("c@example.com", "d@example.com"))
	account, err := client.GetAccount(t.Context(), &sesv2.GetAccountInput{})
	if err != nil {
		t.Fatal(err)
	}
	if q := account.SendQuota; q.MaxSendRate != 3 || q.SentLast24Hours != 4 || !account.SendingEnabled {
		t.Errorf("account: %+v", account)
	}
}

func TestSendBulkEmail(t *testing.T) {
	t.Parallel()
	server, client := open(t, config(""))
	entry := func(to, data string) types.BulkEmailEntry {
		return types.BulkEmailEntry{
			Destination:             &types.Destination{ToAddresses: []string{to}},
			ReplacementEmailContent: &types.ReplacementEmailContent{ReplacementTemplate: &types.ReplacementTemplate{ReplacementTemplateData: &data}},
			ReplacementHeaders:      []types.MessageHeader{{Name: new("list-unsubscribe"), Value: new("<https://acme.com/" + to + ">")}},
			ReplacementTags:         []types.MessageTag{{Name: new("kind"), Value: new("special")}},
		}
	}
	in := &sesv2.SendBulkEmailInput{
		FromEmailAddress: new(sender),
		DefaultContent: &types.BulkEmailContent{Template: &types.Template{
			TemplateContent: &types.EmailTemplateContent{
				Subject: new("{{ greeting }} {{name}}"), Text: new("{{name}}, {{name}}"), Html: new("<b>{{name}}</b>"),
			},
			TemplateData: new(`{"greeting":"Hello"}`),
			Headers:      []types.MessageHeader{{Name: new("List-Unsubscribe"), Value: new("<https://acme.com/all>")}},
		}},
		DefaultEmailTags: []types.MessageTag{{Name: new("kind"), Value: new("news")}, {Name: new("org"), Value: new("acme")}},
		BulkEmailEntries: []types.BulkEmailEntry{
			entry("ada@example.com", `{"name":"Ada"}`), entry("broken", `{"name":"X"}`), entry("bob@example.com", `{}`),
		},
	}
	out, err := client.SendBulkEmail(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []types.BulkEmailStatus{
		types.BulkEmailStatusSuccess, types.BulkEmailStatusInvalidParameter, types.BulkEmailStatusInvalidParameter,
	} {
		got := out.BulkEmailEntryResults[i]
		if got.Status != want || (got.MessageId != nil) != (want == types.BulkEmailStatusSuccess) {
			t.Errorf("entry %d: %+v, want %s", i, got, want)
		}
	}
	m := server.Mails("ada@example.com")[0]
	if m.Subject != "Hello Ada" || m.Text != "Ada, Ada" || m.HTML != "<b>Ada</b>" ||
		m.Tags["kind"] != "special" || m.Tags["org"] != "acme" ||
		m.Headers["list-unsubscribe"] != "<https://acme.com/ada@example.com>" || m.Headers["List-Unsubscribe"] != "" {
		t.Errorf("kept mail: %+v", m)
	}

	in.BulkEmailEntries = slices.Repeat(in.BulkEmailEntries[:1], 51)
	if _, err := client.SendBulkEmail(t.Context(), in); !is[*types.BadRequestException](err) {
		t.Errorf("51 entries: %v", err)
	}
	in.ConfigurationSetName, in.BulkEmailEntries = new("nope"), in.BulkEmailEntries[:1]
	if _, err := client.SendBulkEmail(t.Context(), in); !is[*types.NotFoundException](err) {
		t.Errorf("unknown configuration set: %v", err)
	}
}
