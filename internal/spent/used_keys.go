package spent

import (
	"bytes"
	"slices"

	"roster/internal/id"
)

// UsedKeys is the attribute of a member's month with the API keys through or for which
// events were lately reported, and the last day of each (see DecodeUsedKeys): by it,
// package arrange notes when keys were last used. A key stands there at least in the
// write that brought it in.
const UsedKeys = "k"

// A used key is a byte with the day, whether it is a test key, and whether it is another
// member's than the month; then its own 16 bytes; then, of another's, those of the user.
const (
	usedDay     = 0x1f
	usedTest    = 0x20
	usedForeign = 0x40
)

// EncodeUsedKeys is the value of UsedKeys in a month of that user.
func EncodeUsedKeys(user id.User, days map[id.Key]int) []byte {
	var each [][]byte
	for key, day := range days {
		head, own := byte(day), key.Bytes()
		if key.Test() {
			head |= usedTest
		}
		var owner []byte
		if key.User() != user {
			head |= usedForeign
			of := id.Bytes(key.User())
			owner = of[:]
		}
		each = append(each, slices.Concat([]byte{head}, own[:], owner))
	}
	slices.SortFunc(each, bytes.Compare)
	return slices.Concat(each...)
}

// DecodeUsedKeys is the inverse of EncodeUsedKeys.
func DecodeUsedKeys(user id.User, b []byte) map[id.Key]int {
	days := map[id.Key]int{}
	for len(b) > 16 {
		head, own, owner := b[0], [16]byte(b[1:17]), user
		b = b[17:]
		if head&usedForeign != 0 {
			if len(b) < 16 {
				break
			}
			owner, b = id.UserOf([16]byte(b)), b[16:]
		}
		key := id.KeyOf(own, owner)
		if head&usedTest != 0 {
			key = key.ForTests()
		}
		days[key] = int(head & usedDay)
	}
	return days
}
