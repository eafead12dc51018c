using SecondhandTrade.Gateways;

var builder = WebApplication.CreateBuilder(args);
builder.AddGatewayDefaults();
builder.Services.AddRoutes(builder.Configuration);

var app = builder.Build();
app.UseGatewayPipeline();
app.UseSwaggerUI(pages =>
{
    foreach (var context in Routes.Contexts)
    {
        pages.SwaggerEndpoint($"/openapi/{context}.json", context);
    }
});
app.MapReverseProxy(proxy => proxy.UseFailures());
app.Run();
