// Package kmskey has a key of KMS as the master key of credentials: it never
// leaves KMS, and each use of it shows in CloudTrail. A package of its own, so that
// only the function that seals is linked with the client.
package kmskey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"roster/internal/api"
	"roster/internal/boot"
	"roster/internal/env"
	"roster/internal/envelope"
	"roster/internal/fault"
)

// Key is a symmetric key of KMS. A data key's context is KMS's encryption context.
type Key struct {
	Client *kms.Client
	// ID is its id or ARN.
	ID string
}

// Variable of the environment that has the key's ARN.
const Variable = "ROSTER_CREDENTIALS_KEY_ARN"

// With serves a feature with the key that the environment names; where it names
// none, with what seals there anyway.
func With(endpoints boot.Endpoints) boot.Endpoints {
	return func(e *env.Env) []api.Endpoint {
		if arn := os.Getenv(Variable); arn != "" {
			e.Sealer = envelope.New(Key{ID: arn, Client: kms.New(kms.Options{
				Region: os.Getenv("AWS_REGION"), Credentials: boot.Credentials, HTTPClient: boot.HTTPClient(),
				BaseEndpoint: boot.Endpoint("KMS_ENDPOINT"),
			})})
		}
		return endpoints(e)
	}
}

// ErrUnavailable is the error of a call that KMS did not answer, or not in time.
var ErrUnavailable = fault.New(fault.Unavailable, "encryption_unavailable",
	"The key service does not answer at the moment. Please try again.").WithRetryAfter(time.Second)

// NewDataKey needs the permission kms:GenerateDataKey.
func (k Key) NewDataKey(ctx context.Context, of envelope.Context) (plain, sealed []byte, err error) {
	out, err := k.Client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &k.ID, KeySpec: types.DataKeySpecAes256, EncryptionContext: of,
	})
	if err != nil {
		return nil, nil, outcome("GenerateDataKey", err)
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// OpenDataKey needs the permission kms:Decrypt.
func (k Key) OpenDataKey(ctx context.Context, sealed []byte, of envelope.Context) ([]byte, error) {
	out, err := k.Client.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.ID, CiphertextBlob: sealed, EncryptionContext: of})
	if _, other := errors.AsType[*types.InvalidCiphertextException](err); other {
		return nil, envelope.ErrSealed
	}
	if err != nil {
		return nil, outcome("Decrypt", err)
	}
	return out.Plaintext, nil
}

var passing = retry.IsErrorRetryables(retry.DefaultRetryables)

// outcome tells what may pass from what KMS refuses for good, which is a fault of
// the deployment.
func outcome(operation string, err error) error {
	err = fmt.Errorf("kms %s: %w", operation, err)
	_, answered := errors.AsType[smithy.APIError](err)
	if errors.Is(err, context.Canceled) || answered && passing.IsErrorRetryable(err) != aws.TrueTernary {
		return err
	}
	return errors.Join(ErrUnavailable, err)
}
