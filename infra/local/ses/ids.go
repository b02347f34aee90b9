package ses

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"
)

// messageID is in SES's form: region code and milliseconds in hexadecimal, a
// UUID, a counter.
func messageID(now time.Time, random io.Reader) string {
	var b [16]byte
	// crypto/rand.Reader never fails; it ends the process instead.
	_, _ = io.ReadFull(random, b[:])
	return fmt.Sprintf("0100%012x-%s-000000", now.UnixMilli(), uuid(b))
}

// derivedID gives the nth event of a mail the same id whenever it is
// published, so that a reader can tell a repeat.
func derivedID(mailID string, n int) string {
	sum := sha256.Sum256([]byte(mailID + "#" + strconv.Itoa(n)))
	return uuid([16]byte(sum[:16]))
}

// feedbackID names a bounce or complaint, in the form of a message id.
func feedbackID(m Mail, n int) string {
	sum := sha256.Sum256([]byte(m.ID + "#" + strconv.Itoa(n)))
	return messageID(m.SentAt, bytes.NewReader(sum[:]))
}

func uuid(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
