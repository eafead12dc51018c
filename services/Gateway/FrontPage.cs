namespace SecondhandTrade.Gateways;

/// <summary>What someone sees who comes with a browser.</summary>
public static class FrontPage
{
    private const string Html = """
        <!DOCTYPE html>
        <html lang="ko">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>동네 중고거래</title></head>
        <body>
        <h1>동네 중고거래</h1>
        <p>이웃끼리 쓰던 물건을 예약하고, 결제하고, 만나서 주고받는 장터입니다.</p>
        <ul>
        <li><a href="/inventories">판매 중인 물건</a></li>
        <li><a href="/swagger">API 문서</a></li>
        </ul>
        <p>예약 → 결제 → 거래 → 인수인계 → 완료. 팔린 물건은 대기 순서대로 다음 사람에게 차례가 갑니다.</p>
        </body>
        </html>
        """;

    public static void MapFrontPage(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/", () => TypedResults.Text(Html, "text/html; charset=utf-8"));
}
