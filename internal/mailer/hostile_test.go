package mailer_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"roster/internal/mail"
	"roster/internal/mailer"
)

// hostile draws what people with bad intentions type. It always shows something,
// so that a field drawn from it counts as set.
var hostile = rapid.Custom(func(t *rapid.T) string {
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"\r\nBcc: all@example.com", "\n\n", "\r", "\x00", "\x1b[2J", "\u2028", "\u0085", "\u202e", "\ufeff", "\xff\xfe",
		"<script>alert(1)</script>", "</p></td></table><img src=x onerror=a>", `" onmouseover="a`, "' style='", "<!--", "-->", "]]>",
		"&lt;b&gt;", "{{.Link}}", "{{template \"body\"}}", "</title><base href=//evil.example>",
		"https://evil.example/x", "http://evil.example", "www.evil.example", "evil.example#a@b", "javascript:alert(1)",
		"> quoted", "--", "Hello,", link, strings.Repeat("long ", 60), strings.Repeat("界", 90), "👩‍👩‍👧",
	}))
	return strings.Join(rapid.SliceOfN(part, 1, 6).Draw(t, "parts"), "") + "x"
})

// harden replaces every field of the sample that people type.
func harden(t *rapid.T, sample mail.Data) mail.Data {
	for _, field := range []*string{
		&sample.Organization, &sample.Recipient, &sample.Actor, &sample.Member, &sample.Role, &sample.PreviousRole, &sample.Key,
		&sample.Message, &sample.Reason, &sample.WelcomeMessage,
	} {
		if *field != "" {
			*field = hostile.Draw(t, "field")
		}
	}
	return sample
}

func eachHostile(t *testing.T, check func(t *rapid.T, sample, hardened mailer.Message, data mail.Data)) {
	for kind, sample := range samples() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				data := harden(t, sample)
				m, err := mailer.Render(kind, data)
				if err != nil {
					t.Fatal(err)
				}
				benign, err := mailer.Render(kind, sample)
				if err != nil {
					t.Fatal(err)
				}
				check(t, benign, m, data)
			})
		})
	}
}

func TestHostileSubject(t *testing.T) {
	t.Parallel()
	eachHostile(t, func(t *rapid.T, _, m mailer.Message, _ mail.Data) {
		bad := func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
		}
		if i := strings.IndexFunc(m.Subject, bad); i >= 0 {
			t.Errorf("subject %q holds a control character", m.Subject)
		}
		if n := utf8.RuneCountInString(m.Subject); n > 120 {
			t.Errorf("subject of %d characters: %q", n, m.Subject)
		}
		if !utf8.ValidString(m.Subject) {
			t.Errorf("subject %q is not UTF-8", m.Subject)
		}
	})
}

// The text keeps its shape: what people typed neither adds a line nor a link to
// what Roster says, and stands where it is quoted.
func TestHostileText(t *testing.T) {
	t.Parallel()
	eachHostile(t, func(t *rapid.T, benign, m mailer.Message, data mail.Data) {
		if data.Link != "" && countLines(m.Text, data.Link) != 1 {
			t.Errorf("want the link once on a line of its own:\n%s", m.Text)
		}
		own, want := ownLines(m.Text), ownLines(benign.Text)
		if len(own) != len(want) {
			t.Errorf("got %d lines beside the quotes, want %d:\n%s", len(own), len(want), m.Text)
		}
		for _, line := range own {
			genuine := slices.Contains([]string{data.Link, data.GuidelinesURL, data.PolicyURL}, line)
			named := address.ReplaceAllString(line, "")
			if !genuine && (strings.Contains(line, "://") || strings.Contains(named, "evil.example")) {
				t.Errorf("line %q holds a link", line)
			}
		}
		if strings.ContainsFunc(m.Text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("text %q holds a control character", m.Text)
		}
	})
}

// The HTML keeps its shape: elements and attributes are those of the template.
func TestHostileHTML(t *testing.T) {
	t.Parallel()
	eachHostile(t, func(t *rapid.T, benign, m mailer.Message, _ mail.Data) {
		if diff := cmp.Diff(skeleton(t, benign.HTML), skeleton(t, m.HTML)); diff != "" {
			t.Errorf("(-template +hostile):\n%s", diff)
		}
	})
}

// What people wrote arrives, whole and in their lines.
func TestQuotedWhole(t *testing.T) {
	t.Parallel()
	data := samples()[mail.Invitation]
	data.Message = "\r\n <b>Hi</b> \u202eAda,\r\rread {{.Link}}\tat https://wiki.example/a?b=1&c\u2028--\n\n"
	m := render(t, mail.Invitation, data)

	const quoted = "A message from Grace Hopper:\n\n>  <b>Hi</b> Ada,\n>\n> read {{.Link}} at https://wiki.example/a?b=1&c\n> --\n\n"
	if !strings.Contains(m.Text, quoted) {
		t.Errorf("the text does not quote the message as typed:\n%s", m.Text)
	}
	const block = " &lt;b&gt;Hi&lt;/b&gt; Ada,<br><br>read {{.Link}} at https://wiki.example/a?b=1&amp;c<br>--</blockquote>"
	if !strings.Contains(m.HTML, block) {
		t.Errorf("the HTML does not quote the message as typed:\n%s", m.HTML)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ typed, subject, shown string }{
		{"Acme Inc.", "Acme Inc.", "Acme Inc."},
		{"J. R. Oppenheimer", "J. R. Oppenheimer", "J. R. Oppenheimer"},
		{"ada@acme.example", "ada@acme.example", "ada@acme.example"},
		{"  Ada\r\n\tLovelace ", "Ada Lovelace", "Ada Lovelace"},
		{"acme.example", "acme.example", "acme.\u200cexample"},
		{"evil.example/@b.c", "evil.example/@b.c", "evil.\u200cexample/@b.\u200cc"},
		{"https://a.b", "https://a.b", "https:\u200c//a.\u200cb"},
		{"نام‌ها", "نام‌ها", "نام‌ها"},
		{"e\u202evil\u2066\u200b", "evil", "evil"},
		{strings.Repeat("é", 40), strings.Repeat("é", 40), strings.Repeat("é", 40)},
		{strings.Repeat("é", 38) + " éé", strings.Repeat("é", 38) + "…", strings.Repeat("é", 38) + " éé"},
	} {
		m := render(t, mail.Unsuspended, mail.Data{Organization: test.typed})
		if want := "Your access to " + test.subject + " is restored"; m.Subject != want {
			t.Errorf("got subject %q, want %q", m.Subject, want)
		}
		if want := "Your membership of " + test.shown + " is no longer"; !strings.Contains(m.Text, want) {
			t.Errorf("want %q in:\n%s", want, m.Text)
		}
	}
}

// address matches mail addresses, which may stand in a name.
var address = regexp.MustCompile(`[\w.+-]+@[\w.+-]+`)

func countLines(text, line string) (n int) {
	for l := range strings.Lines(text) {
		if strings.TrimSuffix(l, "\n") == line {
			n++
		}
	}
	return n
}

func ownLines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, ">") })
}

// skeleton lists the elements of a page with their attributes. It leaves out the
// line breaks, of which prose has as many as its writer made.
func skeleton(t *rapid.T, page string) (elements []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		switch {
		case node.Type == html.CommentNode:
			elements = append(elements, "comment")
		case node.Type == html.ElementNode && node.Data != "br":
			element := node.Data
			for _, attribute := range node.Attr {
				element += " " + attribute.Key + "=" + attribute.Val
			}
			elements = append(elements, element)
		}
	}
	return elements
}
