package member

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

const (
	// foldedBytes bounds what an entry of a list holds of a name.
	foldedBytes = 200
	// foldedWords is with how many words of a name a search may begin.
	foldedWords = 4
)

// plainLetters are those that Unicode does not take apart into a letter and its mark.
var plainLetters = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h")

// fold is how names compare in lists and searches: without regard to case, marks
// over and under letters, and the number of spaces.
func fold(name string) string {
	unmarked := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	folded, _, err := transform.String(unmarked, cases.Fold().String(name))
	if err != nil {
		folded = name // of a string, these transformers report none
	}
	folded = strings.Join(strings.Fields(plainLetters.Replace(strings.ToLower(folded))), " ")
	if len(folded) > foldedBytes {
		folded = folded[:foldedBytes]
		for !utf8.ValidString(folded) {
			folded = folded[:len(folded)-1]
		}
	}
	return folded
}

// beginnings are the ends of a folded name that begin with a word: with what follows
// a space, or with a letter or digit that follows neither. A search can begin with
// them. The name as a whole is the first.
func beginnings(folded string) []string {
	if folded == "" {
		return nil
	}
	all := []string{folded}
	before := 'x'
	for i, r := range folded {
		if r != ' ' && (before == ' ' || inWord(r) && !inWord(before)) && len(all) < foldedWords {
			all = append(all, folded[i:])
		}
		before = r
	}
	return all
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }
