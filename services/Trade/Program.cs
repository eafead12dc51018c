using SecondhandTrade.Platform;
using SecondhandTrade.Trades;

var builder = WebApplication.CreateBuilder(args);
builder.AddTown("trade", "trades", TradeJson.Default, actors => actors.RegisterActor<TradeActor>());
builder.Services.Configure<TradeTerms>(builder.Configuration.GetSection("Terms"));
builder.Services.AddInvoker("payment").AddSingleton<ClaimDesk>();
builder.Services.AddSingleton(services => new WakeHandler(nameof(TradeActor), services.GetRequiredService<ClaimDesk>().Wake));

var app = builder.Build();
app.UseTown();
app.MapTrades();
app.MapTradeEvents();
app.Run();
