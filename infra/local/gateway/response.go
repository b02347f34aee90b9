package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// decodeResponse reads a function's response in payload format 2.0. One without
// a statusCode is, as a whole, the JSON body of a 200.
func decodeResponse(payload []byte) (events.APIGatewayV2HTTPResponse, error) {
	var response events.APIGatewayV2HTTPResponse
	if !json.Valid(payload) {
		return response, errors.New("response is not JSON")
	}
	var envelope struct {
		StatusCode *int `json:"statusCode"`
	}
	if json.Unmarshal(payload, &envelope) != nil || envelope.StatusCode == nil {
		return events.APIGatewayV2HTTPResponse{
			StatusCode: http.StatusOK,
			Headers:    map[string]string{"content-type": "application/json"},
			Body:       string(payload),
		}, nil
	}
	if err := json.Unmarshal(payload, &response); err != nil {
		return response, fmt.Errorf("response: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 599 {
		return response, fmt.Errorf("response: status code %d", response.StatusCode)
	}
	return response, nil
}

// writeResponse sends a function's response to the client, and nothing when its
// body cannot be decoded. MultiValueHeaders have no meaning in format 2.0.
func writeResponse(w http.ResponseWriter, response events.APIGatewayV2HTTPResponse) error {
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(response.Body); err != nil {
			return fmt.Errorf("response: body: %w", err)
		}
	}
	header := w.Header()
	header.Set("Content-Type", "text/plain;charset=UTF-8")
	for name, value := range response.Headers {
		header.Set(name, value)
	}
	for _, cookie := range response.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	for _, name := range []string{"Connection", "Content-Length", "Transfer-Encoding"} {
		header.Del(name) // the server's own affair
	}
	w.WriteHeader(response.StatusCode)
	w.Write(body) // fails when the client has gone
	return nil
}
