// Package field has the types of input values. Each checks itself while it is
// read, so that a request which was decoded holds only allowed values; package
// openapi gives each its schema.
package field

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on what the machine has installed
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Lengths, in characters.
const (
	NameLength     = 200
	LabelLength    = 64
	ReasonLength   = 500
	TextLength     = 2000
	PasswordMin    = 8
	PasswordLength = 256
	URLLength      = 2048
	TokenLength    = 512
	CursorLength   = 2048
)

type (
	// Name is what a person or an organization is called: one line.
	Name string
	// Label is a short name of a thing: a key, an alias.
	Label string
	// Reason is one paragraph for people.
	Reason string
	// Text is a message of several lines.
	Text string
	// Password is kept as it is typed, normalised as NIST SP 800-63B, section 5.1.1.2 advises.
	Password string
	// Attempt is a password as typed at log-in: any, so that old rules do not lock out.
	Attempt string
	// URL is an absolute https (or http on localhost) address.
	URL string
	// TimeZone is a name of the IANA time zone database.
	TimeZone string
	// Token is an opaque string that Roster made.
	Token string
	// Cursor is a list's next_cursor.
	Cursor string
	// Format is that of a file.
	Format string
	// Time is an instant in UTC, of the years 1 to 9999: those that RFC 3339 can write.
	Time time.Time
)

func (n *Name) UnmarshalText(b []byte) error   { return line(n, b, NameLength) }
func (l *Label) UnmarshalText(b []byte) error  { return line(l, b, LabelLength) }
func (r *Reason) UnmarshalText(b []byte) error { return text(r, b, ReasonLength) }
func (t *Text) UnmarshalText(b []byte) error   { return text(t, b, TextLength) }

// Formats.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

func (f *Format) UnmarshalText(b []byte) error {
	switch given := Format(b); given {
	case CSV, JSON:
		*f = given
		return nil
	}
	return errors.New("is neither csv nor json")
}

var (
	errControl = errors.New("has control or direction-changing characters")
	errEmpty   = errors.New("is empty")
	errBlank   = errors.New("has no visible character")
	errTime    = errors.New("is not a time such as 2026-11-22T10:00:00Z")
	errYear    = errors.New("is not within the years 1 to 9999 in UTC")
)

func line[T ~string](into *T, b []byte, length int) error {
	s := strings.TrimSpace(norm.NFC.String(string(b)))
	if err := plain(s, length, ""); err != nil {
		return err
	}
	if err := visible(s); err != nil {
		return err
	}
	*into = T(s)
	return nil
}

func text[T ~string](into *T, b []byte, length int) error {
	s := strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(string(b), "\r\n", "\n")))
	if err := plain(s, length, "\n\t"); err != nil {
		return err
	}
	if err := visible(s); err != nil {
		return err
	}
	*into = T(s)
	return nil
}

// plain refuses what is too long or could disguise what it says.
func plain(s string, length int, allowed string) error {
	if n := utf8.RuneCountInString(s); n > length {
		return fmt.Errorf("is longer than %d characters", length)
	}
	for _, r := range s {
		if strings.ContainsRune(allowed, r) {
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar ||
			r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\u200b' {
			return errControl
		}
	}
	return nil
}

// blank are characters that by their category are letters or symbols, and show
// nothing: those of unicode.Other_Default_Ignorable_Code_Point besides.
const blank = "\u2800\U00013441\U00013442\U0001d159"

// visible refuses a text, other than the empty one, that nobody could see.
func visible(s string) error {
	shows := func(r rune) bool {
		return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) &&
			!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !strings.ContainsRune(blank, r)
	}
	if s != "" && !strings.ContainsFunc(s, shows) {
		return errBlank
	}
	return nil
}

func (p *Password) UnmarshalText(b []byte) error {
	s := norm.NFKC.String(string(b))
	switch n := utf8.RuneCountInString(s); {
	case n < PasswordMin:
		return fmt.Errorf("is shorter than %d characters", PasswordMin)
	case n > PasswordLength:
		return fmt.Errorf("is longer than %d characters", PasswordLength)
	}
	*p = Password(s)
	return nil
}

func (a *Attempt) UnmarshalText(b []byte) error {
	s := norm.NFKC.String(string(b))
	if utf8.RuneCountInString(s) > PasswordLength {
		return fmt.Errorf("is longer than %d characters", PasswordLength)
	}
	*a = Attempt(s)
	return nil
}

func (u *URL) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	if s == "" {
		*u = ""
		return nil
	}
	if err := plain(s, URLLength, ""); err != nil {
		return err
	}
	parsed, err := url.Parse(s)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil ||
		parsed.Scheme != "https" && (parsed.Scheme != "http" || parsed.Hostname() != "localhost") {
		return errors.New("is not an https address")
	}
	s = parsed.String() // escapes lengthen it
	if len(s) > URLLength {
		return fmt.Errorf("is longer than %d characters", URLLength)
	}
	*u = URL(s)
	return nil
}

func (z *TimeZone) UnmarshalText(b []byte) error {
	s := string(b)
	if s == "" {
		return errEmpty
	}
	// Machines have further files beside the zones ("localtime", "posix/…",
	// "right/…"): every name of the database begins with a capital.
	if _, err := time.LoadLocation(s); err != nil || s == "Local" || s[0] < 'A' || s[0] > 'Z' {
		return errors.New("is not a time zone of the IANA database, such as Europe/Berlin")
	}
	*z = TimeZone(s)
	return nil
}

// Location returns the zone; the empty one is UTC.
func (z TimeZone) Location() *time.Location {
	location, err := time.LoadLocation(string(z))
	if err != nil {
		return time.UTC
	}
	return location
}

// rfc3339 is stricter than package time, which takes an hour of one digit, a
// comma for the point, and offsets of a day and more.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// UnmarshalText reads RFC 3339 with any offset. The first instant of the year 1
// is refused with the years before it: to package time it is none.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339, string(b))
	if err != nil || !rfc3339.Match(b) {
		return errTime
	}
	at = at.UTC()
	if at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
		return errYear
	}
	*t = Time(at)
	return nil
}

// MarshalText writes RFC 3339.
func (t Time) MarshalText() ([]byte, error) { return t.Time().MarshalText() }

// Time returns the instant.
func (t Time) Time() time.Time { return time.Time(t) }

func (t *Token) UnmarshalText(b []byte) error  { return opaque(t, b, TokenLength) }
func (c *Cursor) UnmarshalText(b []byte) error { return opaque(c, b, CursorLength) }

func opaque[T ~string](into *T, b []byte, length int) error {
	if len(b) > length {
		return fmt.Errorf("is longer than %d characters", length)
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return errors.New("has characters that no token has")
		}
	}
	*into = T(b)
	return nil
}
