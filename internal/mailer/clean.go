package mailer

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"roster/internal/mail"
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'

	// subjectNameRunes leaves a subject with two names readable in a list of mails.
	subjectNameRunes = 40
)

// cleaned returns the data without anything that could leave its place in a mail.
// What is left empty counts as not set.
func cleaned(d mail.Data) mail.Data {
	d = mapNames(d, oneLine)
	for _, prose := range []*string{&d.Message, &d.Reason, &d.WelcomeMessage} {
		*prose = lines(*prose)
	}
	for _, address := range []*string{&d.GuidelinesURL, &d.PolicyURL, &d.Link} {
		*address = webURL(*address)
	}
	return d
}

func mapNames(d mail.Data, f func(string) string) mail.Data {
	for _, name := range []*string{&d.Organization, &d.Recipient, &d.Actor, &d.Member, &d.Role, &d.PreviousRole, &d.Key, &d.Month} {
		*name = f(*name)
	}
	return d
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(printable, s)), " ")
}

var lineBreaks = strings.NewReplacer(
	"\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// lines ends each line of s with a single \n and drops blank ones around it.
func lines(s string) string {
	split := strings.Split(lineBreaks.Replace(s), "\n")
	for i, line := range split {
		split[i] = strings.TrimRight(strings.Map(printable, line), " ")
	}
	return strings.Trim(strings.Join(split, "\n"), "\n")
}

// printable drops control characters and invisible formatting, such as the marks
// that reverse the direction of text. It keeps the joiners, of which Persian
// words and emoji are made.
func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return -1
	}
	return r
}

// webURL returns s if it is an absolute http or https URL that fits on one line,
// else "".
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return printable(r) != r || r == ' ' }) {
		return ""
	}
	return s
}

// unlinked keeps mail programs from turning a name such as "evil.example" into a
// link: an invisible character after each inner dot and colon breaks it. Mail
// addresses stay as they are, since people copy them.
func unlinked(name string) string {
	words := strings.Split(name, " ")
	for i, word := range words {
		if !isAddress(word) {
			words[i] = broken(word)
		}
	}
	return strings.Join(words, " ")
}

func broken(word string) string {
	var b strings.Builder
	for i, r := range word {
		b.WriteRune(r)
		if inner := i < len(word)-1; inner && (r == '.' || r == ':') {
			b.WriteRune(zeroWidthNonJoiner)
		}
	}
	return b.String()
}

func isAddress(word string) bool {
	local, domain, found := strings.Cut(word, "@")
	return found && isPlain(local) && isPlain(domain)
}

func isPlain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letterOrDigit := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letterOrDigit && !strings.ContainsRune("._+-", r)
	})
}

func shortened(name string) string {
	runes := []rune(name)
	if len(runes) <= subjectNameRunes {
		return name
	}
	return strings.TrimRight(string(runes[:subjectNameRunes-1]), " ") + "…"
}
