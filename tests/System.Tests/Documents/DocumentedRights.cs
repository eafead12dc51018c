using System.Net;
using SecondhandTrade.SystemTests.Rights;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>Where tokens are asked for, the documents say what needs one, and what needs one of who runs the town.</summary>
[Collection(nameof(SignedInTown))]
public sealed class DocumentedRights(SignedInTown town)
{
    [Fact]
    public async Task What_answers_401_and_403_is_what_the_documents_say_does()
    {
        foreach (var operation in (await ContextDocument.Read(town.Town)).SelectMany(d => d.Operations))
        {
            var (method, path, body) = (new HttpMethod(operation.Method), operation.At(_ => "nobody"), operation.Body is null ? null : "{}");

            // With a header that the stream refuses, for it would not end.
            Task<Answer> As(params (string, string)[] token) => town.Town.Send(method, path, body, operation.Of.Context, [("Last-Event-ID", "x"), .. token]);
            var (nobody, eve) = (await As(), await As(("Authorization", $"Bearer {town.Issuer.Token("eve")}")));
            Assert.True((nobody.Code == HttpStatusCode.Unauthorized) == (operation.Said["security"] is not null), $"{operation} answers {nobody.Code} to who has no token, and its document says otherwise.");
            Assert.True((eve.Code == HttpStatusCode.Forbidden) == (operation.Said["responses"]!["403"] is not null), $"{operation} answers {eve.Code} to who does not run the town, and its document says otherwise.");
            foreach (var refused in new[] { nobody, eve }.Where(a => a.Code is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden))
            {
                var said = operation.Of.Resolve(operation.Said["responses"]![$"{(int)refused.Code}"]!);
                Assert.Null(Schemas.Wrong(operation.Of, said["content"]!["application/problem+json"]!["schema"]!, refused.Body));
            }
        }
    }
}
