package field_test

import (
	"encoding"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"roster/internal/field"
)

// read returns what a type makes of a text.
func read[T ~string, P interface {
	*T
	encoding.TextUnmarshaler
}](in string) (string, error) {
	var v T
	err := P(&v).UnmarshalText([]byte(in))
	return string(v), err
}

var types = map[string]func(string) (string, error){
	"Name": read[field.Name], "Label": read[field.Label], "Reason": read[field.Reason], "Text": read[field.Text],
	"Password": read[field.Password], "Attempt": read[field.Attempt], "URL": read[field.URL],
	"TimeZone": read[field.TimeZone], "Token": read[field.Token], "Cursor": read[field.Cursor],
	"OTP": read[field.OTP],
}

func TestValues(t *testing.T) {
	t.Parallel()
	const refused = "\x00refused"
	long := strings.Repeat
	for _, tt := range []struct{ kind, in, want string }{
		{"OTP", "287082", "287082"},
		{"OTP", " 287 082 ", "287082"},
		{"OTP", "abcd-efgh-2345-wxyz", "ABCDEFGH2345WXYZ"},
		{"OTP", "", refused},
		{"OTP", "28708", refused},
		{"OTP", "28708a", refused},
		{"OTP", "２８７０８２", refused},
		{"OTP", "abcd-efgh-2345-wxy1", refused},
		{"OTP", "abcd-efgh-2345-wxyzz", refused},
		{"OTP", long("1", 1<<20), refused},
		{"Name", "Ada Lovelace", "Ada Lovelace"},
		{"Name", "  Ada \n", "Ada"},
		{"Name", " ", ""},
		{"Name", "Zoe\u0308", "Zoë"},
		{"Name", "ﬁ stays as typed", "ﬁ stays as typed"},
		{"Name", "👩\u200d💻 آدا", "👩\u200d💻 آدا"},
		{"Name", long("é", 200), long("é", 200)},
		{"Name", long("e\u0301", 200), long("é", 200)}, // counted as it is kept
		{"Name", long("é", 201), refused},
		{"Name", long("a", 1<<20), refused},
		{"Name", "Ada\nLovelace", refused},
		{"Name", "Ada\tLovelace", refused},
		{"Name", "Ada\x00", refused},
		{"Name", "Ada\x7f", refused},
		{"Name", "Ada\u0085", "Ada"}, // a space to Unicode
		{"Name", "A\u0085da", refused},
		{"Name", "Ada\u202egnp.exe", refused},
		{"Name", "\u2066Ada\u2069", refused},
		{"Name", "A\u200fda", refused},
		{"Name", "A\u061cda", refused},
		{"Name", "A\u200bda", refused},
		{"Name", "A\ufeffda", refused},
		{"Name", "A\u2028da", refused},
		{"Name", "A\xffda", refused},
		{"Name", "A\ufffdda", refused},

		{"Label", long("k", 64), long("k", 64)},
		{"Label", long("k", 65), refused},
		{"Reason", "left\r\nthe company", "left\nthe company"},
		{"Reason", "left\rthe company", refused},
		{"Reason", long("r", 500), long("r", 500)},
		{"Reason", long("r", 501), refused},
		{"Text", "one\n\ttwo", "one\n\ttwo"},
		{"Text", "one\u202etwo", refused},
		{"Text", long("\r\n", 3000), ""},
		{"Text", "a" + long("\r\n", 1998) + "b", "a" + long("\n", 1998) + "b"},
		{"Text", long("t", 2001), refused},

		{"Password", "newpassword123", "newpassword123"},
		{"Password", " pass word ", " pass word "},
		{"Password", "pässwörd", "pässwörd"},
		{"Password", "pa\u0308sswo\u0308rd", "pässwörd"},
		{"Password", "ｐａｓｓｗｏｒｄ", "password"},
		{"Password", "1234567", refused},
		{"Password", "12345678", "12345678"},
		{"Password", "ééééééé", refused}, // seven characters, fourteen bytes
		{"Password", "", refused},
		{"Password", long("p", 256), long("p", 256)},
		{"Password", long("p", 257), refused},
		{"Password", long("p", 1<<20), refused},
		{"Attempt", "x", "x"},
		{"Attempt", "ｐａｓｓｗｏｒｄ", "password"},
		{"Attempt", long("p", 257), refused},
		{"Attempt", long("p", 1<<20), refused},

		{"URL", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"},
		{"URL", " HTTPS://Example.com ", "https://Example.com"},
		{"URL", "", ""},
		{"URL", "http://localhost:8080/x", "http://localhost:8080/x"},
		{"URL", "http://example.com", refused},
		{"URL", "http://localhost.evil.com", refused},
		{"URL", "http://localhost@evil.com", refused},
		{"URL", "https://user:password@example.com", refused},
		{"URL", "//example.com", refused},
		{"URL", "/path", refused},
		{"URL", "https:example.com", refused},
		{"URL", "https:///path", refused},
		{"URL", "https://:443/path", refused},
		{"URL", "javascript:alert(1)//https://example.com", refused},
		{"URL", "data:text/html,x", refused},
		{"URL", "https://exa mple.com", refused},
		{"URL", "https://example.com/\r\nX: y", refused},
		{"URL", "https://example.com/\u202egpj.exe", refused},
		{"URL", "https://example.com/%zz", refused},
		{"URL", "https://e.com/" + long("a", 2034), "https://e.com/" + long("a", 2034)},
		{"URL", "https://e.com/" + long("a", 2035), refused},
		{"URL", "https://e.com/" + long("é", 2034), refused}, // six times as long when escaped

		{"TimeZone", "Europe/Berlin", "Europe/Berlin"},
		{"TimeZone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"},
		{"TimeZone", "UTC", "UTC"},
		{"TimeZone", "Etc/GMT+12", "Etc/GMT+12"},
		{"TimeZone", "", refused},
		{"TimeZone", "Local", refused},
		{"TimeZone", "localtime", refused},
		{"TimeZone", "posix/Europe/Berlin", refused},
		{"TimeZone", "right/UTC", refused},
		{"TimeZone", "../etc/passwd", refused},
		{"TimeZone", "Europe/../../../../etc/passwd", refused},
		{"TimeZone", "/etc/localtime", refused},
		{"TimeZone", "Europe", refused},
		{"TimeZone", "Europe/Berlin\x00", refused},
		{"TimeZone", "Europe/Atlantis", refused},
		{"TimeZone", "+02:00", refused},
		{"TimeZone", long("Z", 1<<20), refused},

		{"Token", "rr_AZaz09-_", "rr_AZaz09-_"},
		{"Token", "", ""},
		{"Token", long("t", 512), long("t", 512)},
		{"Token", long("t", 513), refused},
		{"Token", "a b", refused},
		{"Token", "a\nb", refused},
		{"Token", "tökén", refused},
		{"Cursor", long("c", 2048), long("c", 2048)},
		{"Cursor", long("c", 2049), refused},
		{"Cursor", "\xff", refused},
	} {
		got, err := types[tt.kind](tt.in)
		switch {
		case tt.want == refused && err == nil:
			t.Errorf("%s: %.60q is read as %.60q", tt.kind, tt.in, got)
		case tt.want != refused && (err != nil || got != tt.want):
			t.Errorf("%s: %.60q is read as %.60q, %v, want %.60q", tt.kind, tt.in, got, err, tt.want)
		case err != nil && (len(err.Error()) > 100 || !reads(err.Error())):
			t.Errorf("%s: %.60q is refused with %q", tt.kind, tt.in, err)
		}
	}
}

// reads reports whether a reason follows the name of a place: "name is empty".
func reads(reason string) bool {
	return strings.HasPrefix(reason, "is ") || strings.HasPrefix(reason, "has ")
}

// holds checks what is true of every value that a type lets in.
func holds(t interface{ Fatalf(string, ...any) }, kind, in string) {
	got, err := types[kind](in)
	if err != nil {
		if got != "" {
			t.Fatalf("%s: %q is refused, yet read as %q", kind, in, got)
		}
		return
	}
	if again, err := types[kind](got); err != nil || again != got {
		t.Fatalf("%s: %q is read as %q, which is read as %q, %v", kind, in, got, again, err)
	}
	if utf8.ValidString(in) && (!utf8.ValidString(got) || !norm.NFC.IsNormalString(got)) && kind != "URL" {
		t.Fatalf("%s: %q is read as %q", kind, in, got)
	}
}

func TestReadingAValueAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for kind := range types {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			texts := rapid.OneOf(rapid.String(), rapid.StringOfN(
				rapid.RuneFrom([]rune("aZ9 /:.?#%-_@\r\n\t\u200b\u202e\u0308e\u0301ﬁｐ\u212a\u1e9b\u0323")), 0, 40, -1),
				rapid.Map(rapid.String(), func(s string) string { return "https://example.com/" + s }))
			rapid.Check(t, func(t *rapid.T) { holds(t, kind, texts.Draw(t, "text")) })
		})
	}
}

// A password that was once accepted can be typed at log-in, in any form.
func TestAttemptTakesWhatPasswordTook(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		strings.Repeat("e\u0302\u0301", 256), strings.Repeat("p", 256), strings.Repeat("𝐩", 256), "ｐａｓｓｗｏｒｄ",
	} {
		password, err := read[field.Password](typed)
		if err != nil {
			t.Fatalf("%.20q: %v", typed, err)
		}
		if attempt, err := read[field.Attempt](typed); err != nil || attempt != password {
			t.Errorf("%.20q: log-in reads %.20q, %v", typed, attempt, err)
		}
	}
}

func TestInvisibleTextsAreRefused(t *testing.T) {
	t.Parallel()
	kinds := []string{"Name", "Label", "Reason", "Text"}
	for _, invisible := range []string{
		"\u200d", "\u200c", "\u2060", "\u2061", "\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u2800", "\u3164",
		"\ufe0f", "\uffa0", "\U0001d159", "\U0001d173", "\U00013441", "\U000e0041", "\u0301", "\ue000", "\u00ad \u200d\u2060",
	} {
		for _, kind := range kinds {
			if got, err := types[kind](invisible); err == nil || err.Error() != "has no visible character" {
				t.Errorf("%s: %+q is read as %+q, %v", kind, invisible, got, err)
			}
		}
	}
	for _, seen := range []string{
		"", "a", "7", "-", "…", "€", "Ⅷ", "李", "ㅎ", "क्षि", "👩\u200d💻", "❤\ufe0f", "🇩🇪", "1\ufe0f\u20e3", "a\u00ad",
	} {
		for _, kind := range kinds {
			if _, err := types[kind](seen); err != nil {
				t.Errorf("%s: %+q is refused: %v", kind, seen, err)
			}
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{ // an empty want is a refusal
		"2026-11-22T10:00:00Z":                "2026-11-22T10:00:00Z",
		"2026-11-22T10:00:00+05:30":           "2026-11-22T04:30:00Z",
		"2026-11-22T10:00:00.123456789-08:00": "2026-11-22T18:00:00.123456789Z",
		"9999-12-31T23:59:59.999999999Z":      "9999-12-31T23:59:59.999999999Z",
		"9999-12-31T23:59:59+23:59":           "9999-12-31T00:00:59Z",
		"0001-01-01T00:00:01Z":                "0001-01-01T00:00:01Z",
		"9999-12-31T23:59:59-23:59":           "", // the year 10000
		"0001-01-01T00:00:00+00:01":           "", // the year 0
		"0001-01-01T00:00:00Z":                "", // no time at all, to package time
		"0001-01-01T02:00:00+02:00":           "",
		"0000-06-01T00:00:00Z":                "",
		"10000-01-01T00:00:00Z":               "",
		"-001-01-01T00:00:00Z":                "",
		"2026-11-22":                          "",
		"2026-11-22T10:00:00":                 "",
		"2026-11-22T9:30:00Z":                 "",
		"2026-11-22T10:00:00,5Z":              "",
		"2026-11-22T24:00:00Z":                "",
		"2026-02-30T10:00:00Z":                "",
		"2026-11-22T10:00:00+24:00":           "",
		"1795341600":                          "",
		"":                                    "",
	} {
		var at field.Time
		err := at.UnmarshalText([]byte(in))
		if want == "" {
			if err == nil || !reads(err.Error()) || !at.Time().IsZero() {
				t.Errorf("%q is read as %s, %v", in, at.Time(), err)
			}
			continue
		}
		if got := at.Time().Format(time.RFC3339Nano); err != nil || got != want || at.Time().Location() != time.UTC {
			t.Errorf("%q is read as %s, %v, want %s", in, got, err, want)
		}
	}
}

// Whatever is read can be written, and read again as the same.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2026-11-22T10:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+00:01", "2026-11-22T10:00:00.5+05:30",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var at, again field.Time
		if at.UnmarshalText([]byte(in)) != nil {
			return
		}
		text, err := at.Time().MarshalText()
		if err != nil || at.Time().IsZero() {
			t.Fatalf("%q is read as %s, which cannot be written: %v", in, at.Time(), err)
		}
		if err := again.UnmarshalText(text); err != nil || again != at {
			t.Fatalf("%q is read as %s, which is read as %s, %v", in, at.Time(), again.Time(), err)
		}
	})
}

func TestLocation(t *testing.T) {
	t.Parallel()
	if got := field.TimeZone("").Location(); got != time.UTC {
		t.Errorf("no zone is %v", got)
	}
	if got := field.TimeZone("Europe/Atlantis").Location(); got != time.UTC {
		t.Errorf("an unknown zone is %v", got)
	}
	berlin := field.TimeZone("Europe/Berlin").Location()
	for utc, want := range map[string]string{ // the clock goes back on 25 October 2026, forth on 29 March
		"2026-10-24T21:59:59Z": "2026-10-24", "2026-10-24T22:00:00Z": "2026-10-25",
		"2026-10-25T22:59:59Z": "2026-10-25", "2026-10-25T23:00:00Z": "2026-10-26",
		"2026-03-28T23:00:00Z": "2026-03-29", "2026-03-29T21:59:59Z": "2026-03-29", "2026-03-29T22:00:00Z": "2026-03-30",
	} {
		at, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.In(berlin).Format(time.DateOnly); got != want {
			t.Errorf("%s is of %s in Berlin, want %s", utc, got, want)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		"Ada", "a\r\nb", "\u202e", "https://example.com/%2F?a=b c", "https://[::1]:0/", "https://a\\@b", "Europe/Berlin",
		"\xff", "e\u0301", "ﬁ", "\u1100\u1161\u11a8", "https://%41.com", "Zulu",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for kind := range types {
			holds(t, kind, in)
		}
	})
}
