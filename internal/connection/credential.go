package connection

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Credential is what a provider wants to see: a string, or an object of strings,
// such as {"api_key": "…", "base_url": "…"}. It is read, and neither written nor
// printed.
type Credential struct {
	text  string
	parts map[string]string
}

// CredentialBytes bounds a credential: all names and values together.
const CredentialBytes = 8 << 10

// hidden stands for a credential wherever one is printed.
const hidden = "[credential]"

func (Credential) String() string       { return hidden }
func (Credential) GoString() string     { return hidden }
func (Credential) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSONTo refuses: a credential is in no answer.
func (Credential) MarshalJSONTo(*jsontext.Encoder) error {
	return errors.New("connection: a credential is not written")
}

var (
	errCredential = errors.New("is neither a string nor an object of strings")
	errEmpty      = errors.New("is empty, or has an empty name or value")
	errLong       = fmt.Errorf("is longer than %d bytes", CredentialBytes)
	errForm       = errors.New("has control characters other than line breaks and tabs")
)

func (c *Credential) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	var read Credential
	switch raw.Kind() {
	case '"':
		err = json.Unmarshal(raw, &read.text)
	case '{':
		err = json.Unmarshal(raw, &read.parts)
	default:
		err = errCredential
	}
	if err != nil {
		return errCredential // the decoder's own would quote what was sent
	}
	if err := read.check(); err != nil {
		return err
	}
	*c = read
	return nil
}

func (c Credential) check() error {
	if c.text == "" && len(c.parts) == 0 {
		return errEmpty
	}
	size := len(c.text)
	for name, value := range c.parts {
		if name == "" || value == "" {
			return errEmpty
		}
		size += len(name) + len(value)
		if !plain(name) || !plain(value) {
			return errForm
		}
	}
	if size > CredentialBytes {
		return errLong
	}
	if !plain(c.text) {
		return errForm
	}
	return nil
}

func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
	})
}

// plainText is what is sealed: the JSON that was sent, in one form.
func (c Credential) plainText() ([]byte, error) {
	if c.parts != nil {
		return json.Marshal(c.parts, json.Deterministic(true))
	}
	return json.Marshal(c.text)
}

const (
	hintLength = 4
	// hintFrom is how long a credential is at least of which the end is shown.
	hintFrom = 16
)

// hint is the end of the credential, by which its owner knows it.
func (c Credential) hint() string {
	secret := c.text
	if c.parts != nil {
		secret = c.parts["api_key"]
	}
	runes := []rune(strings.TrimSpace(secret))
	if len(runes) < hintFrom {
		return ""
	}
	return string(runes[len(runes)-hintLength:])
}
