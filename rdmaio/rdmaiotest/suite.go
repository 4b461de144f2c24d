package rdmaiotest

import (
	"testing"
)

// Run runs the whole contract on fabrics made by newFabric.
func Run(t *testing.T, newFabric func(testing.TB) *Fabric) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *Fabric)
	}{
		{"names", names},
		{"write is placed where it was sent", placement},
		{"lengths and offsets of any alignment", alignments},
		{"read brings what is there", read},
		{"read after write on a pair", readAfterWrite},
		{"inline write is copied when posted", inline},
		{"bad requests are refused", badRequests},
		{"completions come in order", completionOrder},
		{"unsignaled gives no completion", unsignaled},
		{"full queues are errors", fullQueues},
		{"full completion queue is an error", fullCompletionQueue},
		{"not ready before the peer is there", notReady},
		{"setup is checked", setup},
		{"writes of a pair are placed in order", order},
		{"words are not torn", words},

		{"no right before it is given", noRightAtFirst},
		{"rights are per pair", rightsPerPair},
		{"reading and writing are separate rights", separateRights},
		{"outside the region is refused", bounds},
		{"protection domains are separate", domains},
		{"denial stops the pair until Reset", denial},
		{"rights survive the peer's Reset", rightsSurviveReset},
		{"revoking from nobody succeeds", revokeFromNobody},
		{"revocation is absolute", revocation},
		{"revocation is absolute against a racing writer", racingWriter},

		{"death is told", death},
		{"death is not denial", deathIsNotDenial},
		{"a new incarnation has no rights and no memory", newIncarnation},
		{"a dead peer's rights are gone", deadRights},
		{"a closed provider says so", closed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFabric(t)) })
	}
}
