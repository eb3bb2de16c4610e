// Package secretbroker reads, writes and watches secrets through a secret broker.
//
//	client, err := secretbroker.Open("127.0.0.1:50051")
//	answer, err := client.Read(ctx, "OPENAI_API_KEY", nil)
//
// Every call ends by the context's deadline, or after the client's timeout where the context has none. Every failure is
// an *Error with a Reason. A Client and a Store may be used by any number of goroutines.
//
// The generated stubs behind it are in gen/secretbroker/v1, for whatever this layer leaves out.
package secretbroker
