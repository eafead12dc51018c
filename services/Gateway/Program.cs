using SecondhandTrade.Gateways;

var builder = WebApplication.CreateBuilder(args);
builder.AddGate();
builder.Services.AddRoutes(builder.Configuration);

var app = builder.Build();
app.UseGate();
app.UseSwaggerUI(pages =>
{
    foreach (var context in Routes.Contexts)
    {
        pages.SwaggerEndpoint($"/openapi/{context}.json", context);
    }
});
app.MapReverseProxy(proxy => proxy.UseFailures());
app.Run();
