package field

import (
	"errors"
	"strings"
)

// OTP is a code of an authenticator, six digits, or a recovery code: sixteen
// letters and digits. Spaces and hyphens, and the case of letters, do not count.
type OTP string

const (
	otpDigits      = 6
	recoveryLength = 16
)

var errOTP = errors.New("is neither a code of six digits nor a recovery code")

func (o *OTP) UnmarshalText(b []byte) error {
	s := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(string(b)))
	alphabet := "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	switch len(s) {
	case otpDigits:
		alphabet = "0123456789"
	case recoveryLength:
	default:
		return errOTP
	}
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return errOTP
		}
	}
	*o = OTP(s)
	return nil
}

// Recovery reports whether it has the form of a recovery code.
func (o OTP) Recovery() bool { return len(o) == recoveryLength }
