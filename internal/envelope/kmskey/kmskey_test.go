package kmskey_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"roster/internal/envelope"
	"roster/internal/envelope/kmskey"
	"roster/internal/fault"
)

const keyARN = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"

// service answers as KMS does, in its protocol (AWS JSON 1.1), for one key.
type service struct {
	mu      sync.Mutex
	made    map[string]dataKey // by CiphertextBlob
	asked   []request
	failure func(w http.ResponseWriter) bool
}

type dataKey struct {
	plain   []byte
	context map[string]string
}

type request struct {
	KeyID             string `json:"KeyId"`
	KeySpec           string
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		refuse(w, http.StatusBadRequest, "ValidationException")
		return
	}
	s.asked = append(s.asked, in)
	if s.failure != nil && s.failure(w) {
		return
	}
	switch operation := r.Header.Get("X-Amz-Target"); operation {
	case "TrentService.GenerateDataKey":
		if in.KeyID != keyARN || in.KeySpec != "AES_256" {
			refuse(w, http.StatusBadRequest, "NotFoundException")
			return
		}
		made := dataKey{plain: make([]byte, 32), context: in.EncryptionContext}
		rand.Read(made.plain)
		blob := rand.Text()
		s.made[blob] = made
		answer(w, map[string]any{"KeyId": keyARN, "Plaintext": made.plain, "CiphertextBlob": []byte(blob)})
	case "TrentService.Decrypt":
		made, ok := s.made[string(in.CiphertextBlob)]
		if !ok || !maps.Equal(made.context, in.EncryptionContext) {
			refuse(w, http.StatusBadRequest, "InvalidCiphertextException")
			return
		}
		answer(w, map[string]any{"KeyId": keyARN, "Plaintext": made.plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException")
	}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": "refused"})
}

func open(t *testing.T) (*service, *envelope.Sealer) {
	t.Helper()
	s := &service{made: map[string]dataKey{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, envelope.New(kmskey.Key{ID: keyARN, Client: kms.New(kms.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})})
}

var of = envelope.Context{"organization": "org_1", "connection": "con_1"}

func TestKMSNeverSeesTheCredential(t *testing.T) {
	t.Parallel()
	s, sealer := open(t)
	sealed, err := sealer.Seal(t.Context(), []byte("sk-the-credential"), of)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sealer.Open(t.Context(), sealed, of)
	if err != nil || string(plain) != "sk-the-credential" {
		t.Errorf("%q, %v", plain, err)
	}
	if len(s.asked) != 2 || !maps.Equal(s.asked[0].EncryptionContext, of) || !maps.Equal(s.asked[1].EncryptionContext, of) {
		t.Errorf("asked %+v", s.asked)
	}
	for _, made := range s.made {
		if bytes.Contains(sealed.DataKey, made.plain) || bytes.Contains(sealed.Text, made.plain) {
			t.Error("the data key is stored in the clear")
		}
	}
}

func TestAnotherContextDoesNotOpen(t *testing.T) {
	t.Parallel()
	_, sealer := open(t)
	sealed, err := sealer.Seal(t.Context(), []byte("x"), of)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []envelope.Context{
		{"organization": "org_2", "connection": "con_1"}, {"organization": "org_1", "connection": "con_2"}, {},
	} {
		if _, err := sealer.Open(t.Context(), sealed, other); !errors.Is(err, envelope.ErrSealed) {
			t.Errorf("%v: %v", other, err)
		}
	}
}

func TestTroubleWithKMS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   string
		passes bool
	}{
		"throttled":       {400, "ThrottlingException", true},
		"internal":        {500, "KMSInternalException", true},
		"not permitted":   {400, "AccessDeniedException", false},
		"disabled":        {400, "DisabledException", false},
		"pending removal": {400, "KMSInvalidStateException", false},
	} {
		s, sealer := open(t)
		s.failure = func(w http.ResponseWriter) bool { refuse(w, c.status, c.kind); return true }
		_, err := sealer.Seal(t.Context(), []byte("sk-the-credential"), of)
		f, _ := errors.AsType[*fault.Error](err)
		if err == nil || (f != nil && f.Kind == fault.Unavailable) != c.passes || strings.Contains(err.Error(), "sk-the") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
