package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"roster/internal/email"
	"roster/internal/field"
)

// PasswordRule says which passwords a person may choose: see NIST SP 800-63B,
// section 5.1.1.2.
type PasswordRule struct {
	least int
	// names are words by which others would guess.
	names []string
}

// PasswordFor is the rule for a person who belongs to no organization.
func PasswordFor(name field.Name, address email.Address) PasswordRule {
	return PasswordRule{least: field.PasswordMin}.knowing(string(name), string(address), "roster")
}

// In is the rule for who is, or becomes, a member of a further organization: of
// several, the strictest counts.
func (r PasswordRule) In(organization field.Name, p Policy) PasswordRule {
	r.least = max(r.least, p.PasswordLength())
	return r.knowing(string(organization))
}

// knowing is the rule with words that are known of the person.
func (r PasswordRule) knowing(texts ...string) PasswordRule {
	names := append([]string{}, r.names...)
	for _, text := range texts {
		names = append(names, words(text)...)
	}
	r.names = names
	return r
}

// shortest is how long a word is that counts, and remainder what a password has to
// have beside such words.
const (
	shortest  = 4
	remainder = 6
)

var (
	errCommon = errors.New("is among the passwords that are tried first")
	errNames  = errors.New("is made of your name, your address or the name of an organization")
)

// Check returns why the person may not choose a password; nil if they may.
func (r PasswordRule) Check(p field.Password) error {
	if utf8.RuneCountInString(string(p)) < r.least {
		return fmt.Errorf("is shorter than %d characters", r.least)
	}
	folded := strings.ToLower(string(p))
	if repetitive(folded) || common[strings.TrimRightFunc(folded, func(c rune) bool { return !unicode.IsLetter(c) })] || common[folded] {
		return errCommon
	}
	rest := folded
	for _, name := range r.names {
		rest = strings.ReplaceAll(rest, name, "")
	}
	if rest != folded && utf8.RuneCountInString(rest) < remainder {
		return errNames
	}
	return nil
}

// words are those of a text that are long enough to be recognised, in lower case.
func words(text string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		if utf8.RuneCountInString(word) >= shortest {
			all = append(all, word)
		}
	}
	return all
}

// repetitive reports whether a text is of fewer than four different characters, or
// one that counts up or down.
func repetitive(s string) bool {
	different := map[rune]bool{}
	var before rune
	up, down := true, true
	for i, c := range s {
		different[c] = true
		if i > 0 {
			up, down = up && c == before+1, down && c == before-1
		}
		before = c
	}
	return len(different) < 4 || up || down
}

// common are words and rows of keys with which passwords most often begin, whatever
// digits and signs follow; and whole ones that have digits within.
var common = func() map[string]bool {
	all := map[string]bool{}
	for _, p := range strings.Fields(`
		abc abcd admin administrator asdf asdfgh asdfghjk asdfghjkl baseball changeme charlie computer default
		dragon football hallo hello iloveyou internet letmein login master michael monkey mynoob passwd password
		passwort princess qazwsx qwer qwert qwertz qwertzui qwertzuiop qwerty qwertyui qwertyuiop root secret
		shadow sunshine superman test tester testing trustno user welcome whatever willkommen zaq zxcvbn zxcvbnm
		000000 10203040 1029384756 11223344 112233445566 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc 1234qwer
		123qweasd 147258369 159753456 741852963 987654321 a1b2c3d4 abcd1234 abc12345 aa123456 admin123 asdf1234 p@ssw0rd
		p@ssword pa55word passw0rd password1 q1w2e3r4 q1w2e3r4t5 qwer1234 test1234 trustno1 zaq12wsx`) {
		all[p] = true
	}
	return all
}()
