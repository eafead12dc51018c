using Dapr.Actors.Client;
using SecondhandTrade.Platform;
using SecondhandTrade.Stocks;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("stock", "stock", StockJson.Default, actors => actors.RegisterActor<ListingActor>());
builder.Services.AddSingleton<Pictures>();
builder.Services.AddSingleton(services => new WakeHandler(nameof(ListingActor), (id, mark) => services.GetRequiredService<IActorProxyFactory>().Listing(id).Wake(mark)));

var app = builder.Build();
app.UseServiceDefaults();
app.MapStock();
app.MapStockEvents();
app.Run();
